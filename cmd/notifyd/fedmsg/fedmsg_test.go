package fedmsg

import (
	"errors"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/bus/trust"
	"github.com/notifyd/notifyd/internal/yamltext"
)

// known is a machine where every file below /known can be used.
func known(c trust.Config) error {
	for _, file := range []string{c.CA, c.CRL} {
		if file != "" && !strings.HasPrefix(file, "/known/") {
			return errors.New("no such file\nat all")
		}
	}
	return nil
}

func TestImport(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want, not  string // lines, without indentation
	}{
		{"nothing", `{}`, "endpoints: {}", "trust:"},
		{"endpoints", `{"endpoints": {"b": ["tcp://b:1", "tcp://*:2"], "a": "tcp://a:1", "none": []}}`,
			`"b": ["tcp://b:1", "tcp://*:2"]|"a": ["tcp://a:1"]`, `"none": []`},
		{"the relay's own", `{"endpoints": {"relay_inbound": ["tcp://*:2003"]}}`,
			"# ! relay_inbound is left out: there publishers connect to fedmsg's relay. See `notifyd relay --in`.", ""},
		{"another protocol", `{"endpoints": {"a": ["pgm://a:1", "tcp://a:1"]}}`, `"a": ["tcp://a:1"]|` +
			`# ! "a" is left out: address "pgm://a:1": tcp://host:port or ipc:///path was expected`, ""},
		{"twice", `{"endpoints": {"a": "tcp://*:1", "b": ["tcp://127.0.0.1:1"]}}`, `"a": ["tcp://*:1"]|` +
			`# ! "b": "tcp://127.0.0.1:1" is left out: it is listed under "a" already`, `"b": []`},
		{"no addresses", `{"endpoints": {"a": {"b": 1}}}`, `# ! line 1, column 21: the addresses of "a" should be a text, ` +
			`or a list of them; this is a mapping`, ""},
		{"domains", `{"srv_endpoints": ["Example.org.", "example.org", "_x"]}`, `srv: ["example.org"]|` +
			`# ! srv_endpoints: "_x" is left out: "_x"; a domain such as example.org was expected`, ""},
		{"stores", `{"endpoints": {"a": "tcp://a:1"}, "replay_endpoints": {"a": "tcp://a:2", "b": "tcp://b:2"}}`,
			`"a": "tcp://a:2"|# ! replay_endpoints: "b" is left out: no endpoint has this name`, `"b": "tcp://b:2"`},
		{"certificates", `{"ca_cert_location": "/known/ca", "crl_location": "/known/crl", "validate_signatures": true}`,
			`ca: "/known/ca"|crl: "/known/crl"|` +
				`verdicts: {unsigned: drop, wrong_signer: drop, invalid: drop} # validate_signatures: true`, ""},
		{"everything believed", `{"ca_cert_location": "/known/ca", "validate_signatures": false}`, `ca: "/known/ca"|` +
			"# ! validate_signatures is false: fedmsg believed everything. With a ca notifyd marks what is not proved,", "verdicts"},
		{"no certificates here", `{"ca_cert_location": "/etc/ca", "crl_location": "/known/crl"}`,
			`# ! ca_cert_location is left out: it cannot be used on this machine. Once it can be: trust: {ca: "/etc/ca"}|` +
				"# ! no such file|# ! at all", "trust:"},
		{"certificates at a URL", `{"ca_cert_location": "https://example.org/ca.crt"}`, `# ! ca_cert_location is left out: it ` +
			`is a URL. Fetch it to a file, and then: trust: {ca: FILE}. It was "https://example.org/ca.crt"`, "trust:"},
		{"policy", `{"routing_policy": {"org.x.y": ["b", "a"], "org.x.*": ["a"], "org.x.none": []}, "routing_nitpicky": true}`,
			`"org.x.y": ["b", "a"]|nitpicky: true|# ! routing_policy: "org.x.none" is left out: nobody may send it, which ` +
				`notifyd cannot say; name a signer that does not exist`, `"org.x.*": ["a"]`},
		{"publishing", `{"topic_prefix": "org.x", "environment": "stg", "relay_inbound": ["tcp://*:2001", "tcp://r:1"]}`,
			`prefix: "org.x"|env: "stg"|relay: "tcp://127.0.0.1:2001"|` +
				"# ! relay_inbound has 2 addresses; the first is used, as fedmsg does", ""},
		{"an archive", `{"datagrepper_url": "https://x.org/datagrepper/raw/", "status_directory": "/run/x"}`,
			`datagrepper: "https://x.org/datagrepper"`, ""},
		{"an archive that was not asked", `{"datagrepper_url": "https://x.org/datagrepper/raw"}`, "# ! Nothing missed is " +
			`asked for: fedmsg had no status_directory. To do so: backlog: {datagrepper: "https://x.org/datagrepper"}`, "backlog:"},
		{"the rest", `{"irc": [{}], "io_threads": 1, "mine": {"a": 1}, "null": null}`, `# ! "mine", "null"|` +
			"# ! irc is left out: the bot that says everything in channels. Who wants notices on IRC adds an address (doc/irc.md).",
			`"io_threads"`},
		{"of another type", `{"topic_prefix": ["x"], "validate_signatures": "perhaps", "routing_policy": [], "endpoints": 7}`,
			`# ! validate_signatures should be true or false; it is "perhaps"|endpoints: {}|` +
				`# ! line 1, column 18: topic_prefix should be a text; this is a list`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, err := importWith([]byte(c.text), known)
			if err != nil {
				t.Fatal(err)
			}
			lines := map[string]bool{}
			for l := range strings.Lines(string(out)) {
				lines[strings.TrimSpace(l)] = true
			}
			for _, want := range strings.Split(c.want, "|") {
				if !lines[want] {
					t.Errorf("no line %s in\n%s", want, out)
				}
			}
			if lines[c.not] {
				t.Errorf("a line %s in\n%s", c.not, out)
			}
		})
	}
}

func TestImportRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":            "what fedmsg-config prints was expected, a JSON object; this is empty",
		"[1]":         "line 1, column 1: what fedmsg-config prints was expected, a JSON object; this is a list",
		`{"a": 1`:     "line 1",
		"\xff":        "not UTF-8",
		"config = {}": "this is \"config = {}\"",
	} {
		if _, err := importWith([]byte(text), known); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %s", text, err, want)
		}
	}
}

// FuzzImport: whatever is imported comes out as YAML, and nothing of it steers a terminal.
func FuzzImport(f *testing.F) {
	for _, text := range []string{
		`{"endpoints": {"a": ["tcp://a:1"]}, "routing_policy": {"org.x": ["a"]}, "ca_cert_location": "/known/ca"}`,
		`{"topic_prefix": "a\nb: c", "x\u202e\u001b[2J": "#", "srv_endpoints": ["\u2028"], "replay_endpoints": {"a": 1}}`,
		`{"endpoints": {"a'\"\\": "tcp://a:1"}, "gpg_home": "\u0085x", "datagrepper_url": "http://%zz"}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		out, err := importWith(text, known)
		if err != nil {
			return
		}
		root, err := yamltext.Parse(out, yamltext.Bounds{Bytes: 1 << 30, Nesting: 50})
		if err != nil {
			t.Fatalf("%v:\n%s", err, out)
		}
		if _, ok := yamltext.Find(root, "bus", "zmq", "endpoints"); !ok {
			t.Errorf("no endpoints:\n%s", out)
		}
		for _, r := range string(out) {
			if r != '\n' && (r < ' ' || r >= 0x7F && r <= 0x9F || r == '\u202e' || r == '\u2028') {
				t.Errorf("%q in\n%q", r, out)
			}
		}
	})
}
