package accounts

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/backends/email"
	"github.com/notifyd/notifyd/directory"
	"github.com/notifyd/notifyd/prefs/accounts"
)

// irc is a backend that knows one network, by its name and its host.
var irc = backends.Info{Name: "irc", CheckAddress: func(address string) (string, error) {
	nick, network, _ := strings.Cut(strings.ToLower(address), "@")
	if network != "libera" && network != "irc.libera.chat" {
		return "", errors.New("no such network")
	}
	return nick + "@libera", nil
}}

func nicks(t *testing.T, texts ...string) []directory.Nick {
	t.Helper()
	list := []directory.Nick{}
	for _, text := range texts {
		n, err := directory.ParseNick(text, nil)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, n)
	}
	return list
}

// TestReach: people are reached where the directory says, except at what is another person's too, what the backend does
// not take, and on networks that are not configured. What is hidden is unknown, which is another thing than none.
func TestReach(t *testing.T) {
	first := &directory.Facts{People: map[string]directory.Person{
		"alice": {Mails: []string{"Alice@Example.org", "alice@example.ORG", "both@example.org",
			"x@example.org\r\nBcc: y@example.org", "Bob <bob2@example.org>", "bob2@example.org, x@example.org", ""},
			Nicks: nicks(t, "irc://irc.libera.chat:6697/Ally", "irc://libera/ally", "irc://irc.oftc.net/ally", "irc:/ally",
				"matrix://example.org/ally", "irc://libera/shared")},
		"bob":    {Mails: []string{"both@example.org"}, Nicks: nicks(t, "irc://irc.libera.chat/Shared")},
		"none":   {Mails: []string{}, Nicks: []directory.Nick{}},
		"hidden": {Mails: []string{}, Private: true},
		"open":   {Mails: []string{"open@example.org"}, Private: true},
		"off":    {Mails: []string{"off@example.org"}, Disabled: true},
		"blank":  {},
	}}
	p := People{Snapshot: directory.Merge(directory.Policy{}, directory.Part{Name: "a", Facts: first}),
		Backends: func() []backends.Info { return []backends.Info{email.Info, irc, {Name: "desktop"}} },
		Sure:     func(backend string) bool { return backend == "email" }}
	for name, want := range map[string][]accounts.Reach{
		"alice": {{Backend: "email", Addresses: []string{"Alice@example.org"}, Sure: true},
			{Backend: "irc", Addresses: []string{"ally@libera"}}},
		"bob":    {{Backend: "email", Sure: true}, {Backend: "irc"}},
		"none":   {{Backend: "email", Sure: true}, {Backend: "irc"}},
		"hidden": nil, "off": nil, "blank": nil, "nobody": nil, "": nil,
		"open": {{Backend: "email", Addresses: []string{"open@example.org"}, Sure: true}},
	} {
		got := p.Reach(name)
		same := func(a, b accounts.Reach) bool {
			return a.Backend == b.Backend && a.Sure == b.Sure && slices.Equal(a.Addresses, b.Addresses)
		}
		if !slices.EqualFunc(got, want, same) {
			t.Errorf("%q: %+v, want %+v", name, got, want)
		}
	}
	if got := (People{Backends: p.Backends}).Reach("alice"); got != nil {
		t.Errorf("without a directory: %+v", got)
	}
}
