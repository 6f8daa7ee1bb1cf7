package directory_test

import (
	"testing"

	"github.com/notifyd/notifyd/directory"
)

func TestNicks(t *testing.T) {
	servers := map[string]string{"irc": "irc.Libera.chat", "matrix": "fedora.im"}
	for text, want := range map[string]directory.Nick{
		"irc:/asperan":                         {"irc", "asperan", "irc.libera.chat"},
		"irc:///citra|away":                    {"irc", "citra|away", "irc.libera.chat"},
		"irc:nick":                             {"irc", "nick", "irc.libera.chat"},
		"irc://irc.oftc.net/bolko[m]":          {"irc", "bolko[m]", "irc.oftc.net"},
		"IRC://Irc.OFTC.net:6697/x":            {"irc", "x", "irc.oftc.net:6697"},
		"bare":                                 {"irc", "bare", "irc.libera.chat"},
		"[]\\`_^{|}":                           {"irc", "[]\\`_^{|}", "irc.libera.chat"},
		"matrix:/user":                         {"matrix", "user", "fedora.im"},
		"matrix:///a/b=c.d":                    {"matrix", "a/b=c.d", "fedora.im"},
		"matrix://chat.example.org:8448/bolko": {"matrix", "bolko", "chat.example.org:8448"},
		"matrix://Chat.Example.ORG/citra.w":    {"matrix", "citra.w", "chat.example.org"},
		"matrix:/@user:host.example":           {"matrix", "user", "host.example"},
		"@user:host.example:8448":              {"matrix", "user", "host.example:8448"},
		"matrix:/50%":                          {"matrix", "50%", "fedora.im"},
		"matrix://[::1]:8448/x":                {"matrix", "x", "[::1]:8448"},
	} {
		got, err := directory.ParseNick(text, servers)
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v; want %+v", text, got, err, want)
		}
		if again, err := directory.ParseNick(got.String(), nil); err != nil || again != got {
			t.Errorf("%s is written %s, which is %+v, %v", text, got, again, err)
		}
	}
	for _, text := range []string{"", "irc:", "irc:/", "irc://", "irc://freja", "irc:///", "irc://host/", "irc://ho st/n",
		"irc:/a b", "irc:/a/b", "user:host", "@user", "@user:", "matrix:/a:b", "irc:/\x00", "irc:/\xff", "-dash", "irc:/7up",
		"https://host/n", "matrix://host:/n", "matrix://host:123456/n", "matrix:/a\u202eb", "irc://user@host/n"} {
		if got, err := directory.ParseNick(text, servers); err == nil {
			t.Errorf("%q is read as %+v", text, got)
		}
	}
	if got, err := directory.ParseNick("irc:/n", nil); err != nil || got.Server != "" {
		t.Errorf("without a default: %+v, %v", got, err)
	}
}

// FuzzParseNick: what is read can be written and read again, and is the same.
func FuzzParseNick(f *testing.F) {
	for _, text := range []string{"irc:/nick", "irc://irc.oftc.net/bolko[m]", "matrix://h:1/a/b", "@u:h", "bare", "irc://"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, err := directory.ParseNick(text, map[string]string{"irc": "i.example", "matrix": "m.example"})
		if err != nil {
			return
		}
		if n.Server == "" || n.Name == "" || len(n.Name) > directory.MaxName {
			t.Errorf("%q is %+v", text, n)
		}
		if again, err := directory.ParseNick(n.String(), nil); err != nil || again != n {
			t.Errorf("%q is %+v, written %q, read %+v, %v", text, n, n.String(), again, err)
		}
	})
}
