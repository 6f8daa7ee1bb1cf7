package email

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/backends/backendtest"
)

func TestCheckNamesTheKey(t *testing.T) {
	const good = "host: mx.example.org\nfrom: notifyd@example.org\n"
	for _, c := range []struct{ text, want string }{
		{"", ""},
		{"tls: implicit", ""}, {"tls: opportunistic", ""}, {"tls: none", ""}, {"port: 2525", ""}, {"timeout: 1m", ""},
		{"username: u\npassword: p", ""}, {"subject_prefix: \"[ex]\"", ""}, {"max_bytes: 65536", ""},
		{"host: \"\"", "host: "}, {"host: a b", "host: "}, {"host: u@h", "host: "}, {"port: 70000", "port: "},
		{"port: -1", "port: "},
		{"tls: yes please", "tls: "}, {"helo: a_b", "helo: "}, {"username: u", "username, password: "},
		{"password: p", "username, password: "},
		{"username: u\npassword: p\ntls: none", "tls: none would send"},
		{"username: u\npassword: p\ntls: opportunistic", "tls: opportunistic would send"},
		{"from: nobody", "from: "}, {"from: \"\"", "from: "}, {"from: \"N <n@example.org>\"", "from: "},
		{"envelope_from: x", "envelope_from: "},
		{"list_domain: a b", "list_domain: "}, {"subject_prefix: \"a\\r\\nBcc: x\"", "subject_prefix: "},
		{"from_name: \"a\\nb\"", "from_name: "},
		{"timeout: 1ms", "timeout: "}, {"idle: 1h", "idle: "}, {"connections: 1000", "connections: "},
		{"per_connection: -1", "per_connection: "},
		{"max_bytes: 100", "max_bytes: "},
	} {
		var config Config
		text := good
		for line := range strings.Lines(c.text) { // a key given again replaces the good one
			key, _, _ := strings.Cut(line, ":")
			var kept []string
			for _, l := range strings.Split(text, "\n") {
				if !strings.HasPrefix(l, key+":") {
					kept = append(kept, l)
				}
			}
			text = strings.Join(kept, "\n") + line + "\n"
		}
		if err := yaml.UnmarshalWithOptions([]byte(text), &config, yaml.Strict()); err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		switch err := config.Check(); {
		case err == nil && c.want != "":
			t.Errorf("%q is accepted, want an error about %s", c.text, c.want)
		case err != nil && (c.want == "" || !strings.HasPrefix(err.Error(), c.want)):
			t.Errorf("%q: %v, want %q", c.text, err, c.want)
		}
	}
}

// Addresses of the configuration go into headers, which are ASCII.
func TestAddressesOfTheConfigurationAreASCII(t *testing.T) {
	b := newBackend(t, Config{Host: "mx", From: "n@bücher.example", EnvelopeFrom: "bounces@bücher.example"})
	m := rendered(t, b, backends.Parcel{ID: "x/y", To: "a@example.org", Notices: backendtest.Samples()[:1]})
	if from := m.header.Get("From"); !strings.Contains(from, "<n@xn--bcher-kva.example>") {
		t.Errorf("From is %q", from)
	}
	if id := m.header.Get("Message-Id"); !strings.HasSuffix(id, "@xn--bcher-kva.example>") {
		t.Errorf("Message-ID is %q", id)
	}
}

func TestCheckTellsEverything(t *testing.T) {
	err := Config{TLS: "x", Timeout: 1}.Check()
	for _, key := range []string{"host: ", "tls: ", "from: ", "timeout: "} {
		if err == nil || !strings.Contains("\n"+err.Error(), "\n"+key) {
			t.Errorf("Check = %v, want a line on %s", err, key)
		}
	}
}

func TestDefaults(t *testing.T) {
	for _, c := range []struct {
		tls  string
		port int
	}{{"", 587}, {TLSImplicit, 465}, {TLSOpportunistic, 25}, {TLSNone, 25}} {
		got := Config{Host: "mx", From: "n@sub.example.org", TLS: c.tls}.withDefaults()
		if got.Port != c.port || got.ListDomain != "sub.example.org" || got.EnvelopeFrom != "n@sub.example.org" ||
			got.Timeout != time.Minute {
			t.Errorf("defaults with tls %q: %+v", c.tls, got)
		}
		if err := got.Check(); err != nil {
			t.Errorf("the defaults are not accepted: %v", err)
		}
	}
}

func TestCAFile(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{empty, filepath.Dir(empty), "/nonexistent.pem", "/dev/zero"} {
		if _, err := New(Config{Host: "mx", From: "n@example.org", CAFile: file}, quiet, noon); err == nil ||
			!strings.HasPrefix(err.Error(), "ca_file: ") {
			t.Errorf("New with ca_file %s: %v", file, err)
		}
	}
}
