package zmq

import (
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/notifyd/notifyd/bus"
)

func TestConfig(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"string and list", "endpoints: {a: 'tcp://a.example.org:9940', b: ['tcp://*:1', 'ipc:///run/b']}\n" +
			"topics: ['org.x.*', 'org.y']\nheartbeat: 5s\nmax_message: 1000\non_full: drop", ""},
		{"IPv6", "endpoints: {a: 'tcp://[::1]:5'}", ""},
		{"none on purpose", "endpoints: {}", ""},
		{"none", "topics: [x]", "endpoints: names with addresses were expected"},
		{"no scheme", "endpoints: {a: 'host:5'}", `endpoints: a: address "host:5"`},
		{"no port", "endpoints: {a: 'tcp://host'}", "tcp://host:port was expected"},
		{"bad port", "endpoints: {a: 'tcp://host:99999'}", "is no port"},
		{"any port", "endpoints: {a: 'tcp://host:*'}", "is no port"},
		{"source address", "endpoints: {a: 'tcp://eth0;host:1'}", "was expected"},
		{"login", "endpoints: {a: 'tcp://u:sesame@host:1'}", `…@"host:1": ZeroMQ knows no logins`},
		{"login of another bus", "endpoints: {a: 'amqp://u:sesame@p@host'}", `…@"host": ZeroMQ knows no logins`},
		{"no path", "endpoints: {a: 'ipc://'}", "a path"},
		{"a map for an address", "endpoints: {a: {b: c}}", "a list of them, was expected"},
		{"twice", "endpoints: {a: 'tcp://*:1', b: 'tcp://127.0.0.1:1'}", "is listed under a already"},
		{"star in the middle", "endpoints: {a: 'tcp://h:1'}\ntopics: ['org.*.git']", "at the end only"},
		{"long prefix", "endpoints: {a: 'tcp://h:1'}\ntopics: [" + strings.Repeat("x", bus.MaxTopic+1) + "]",
			"prefix of 1025 bytes"},
		{"negative", "endpoints: {a: 'tcp://h:1'}\nsilence: -1s", "must not be negative"},
		{"no address", "endpoints: {a: []}", "endpoints: a: no address"},
		{"too often", "endpoints: {a: 'tcp://h:1'}\nheartbeat: 1ns", "heartbeat: 1ns; at least 10ms"},
		{"too soon", "endpoints: {a: 'tcp://h:1'}\ntimeout: 5ns", "timeout: 5ns; at least 1ms"},
		{"too small", "endpoints: {a: 'tcp://h:1'}\nmax_message: 1", "max_message: at least 512"},
		{"too large", "endpoints: {a: 'tcp://h:1'}\nmax_message: 999999999", "max_message: at most"},
		{"neither", "endpoints: {a: 'tcp://h:1'}\non_full: block", `on_full: "block"; wait or drop was expected`},
		{"domains, and nothing else", "srv: [example.org, example.net]", ""},
		{"looked for too often", "srv: [x]\nendpoints_check: 1ns", "endpoints_check: 1ns; at least 100ms"},
		{"looked for too seldom", "srv: [x]\nendpoints_check: 2h", "endpoints_check: 2h0m0s; at most 1h"},
		{"asked too often", "srv: [x]\nsrv_check: 10ms", "srv_check: 10ms; at least 1s"},
		{"asked too seldom", "srv: [x]\nsrv_check: 25h", "srv_check: 25h0m0s; at most 24h"},
		{"no name server", "srv: [x]\nsrv_server: 127.0.0.1", `srv_server: "127.0.0.1"; host:port`},
		{"replay of a name that is found", "srv: [x]\nreplay: {endpoints: {x: 'tcp://x:1'}}", ""},
		{"replay of a name", "endpoints: {}\nreplay: {endpoints: {x: 'tcp://x:1'}}", "replay.endpoints: x: no such name"},
		{"unknown key", "endpoint: x", "unknown field"},
	} {
		t.Run(c.name, func(t *testing.T) {
			decode := func(v any) error { return yaml.UnmarshalWithOptions([]byte(c.text), v, yaml.Strict()) }
			s, err := Driver().Open(decode, quiet())
			switch {
			case c.want == "" && err != nil:
				t.Errorf("Open: %v", err)
			case c.want == "" && len(s.(*Source).Stats().Endpoints)+len(s.(*Source).replays) != strings.Count(c.text, "://"):
				t.Errorf("endpoints %+v", s.(*Source).Stats())
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("Open: %v, want %q", err, c.want)
			case c.want != "" && strings.Contains(err.Error(), "sesame"):
				t.Errorf("the error holds a password: %v", err)
			}
		})
	}
}
