package amqp

import (
	"fmt"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/notifyd/notifyd/bus"
)

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		pattern, topic string
		want           bool
	}{
		{"#", "a.b", true}, {"#", "", true}, {"a", "a", true}, {"a", "a.b", false}, {"a.*", "a.b", true},
		{"a.*", "a", false}, {"a.*", "a.b.c", false}, {"a.#", "a", true}, {"a.#", "a.b.c", true}, {"#.c", "a.b.c", true},
		{"#.c", "c", true}, {"#.c", "a.c.b", false}, {"a.#.c", "a.c", true}, {"a.#.c", "a.b.b.c", true},
		{"a.#.c", "a.b.b", false}, {"#.b.#", "a.b.c", true}, {"#.b.#", "a.c", false}, {"*.*", "a.b", true}, {"*", "", true},
		{"#.#", "", true}, {"#.*", "a.b", true}, {"#.a.#.b", "a.x.a.b.b", true}, {"a*", "ab", false},
	} {
		if got := bus.MatchTopic(strings.Split(c.pattern, "."), strings.Split(c.topic, ".")); got != c.want {
			t.Errorf("MatchTopic(%q, %q) = %v", c.pattern, c.topic, got)
		}
	}
	many := strings.Split(strings.Repeat("#.a.", 60)+"b", ".")
	if bus.MatchTopic(many, strings.Split(strings.Repeat("a.", 120)+"c", ".")) { // at once, not in years
		t.Error("a topic without a b matches")
	}
}

// open opens a source as the daemon does.
func open(config string) (*Source, error) {
	decode := func(v any) error { return yaml.UnmarshalWithOptions([]byte(config), v, yaml.Strict()) }
	s, err := Driver().Open(decode, quiet())
	if err != nil {
		return nil, err
	}
	return s.(*Source), nil
}

func TestWants(t *testing.T) {
	s, err := open(`brokers:
  all: {url: amqp://h}
  some: {url: amqp://h, topics: [org.example.#, "*.done"]}
  theirs: {url: amqp://h, queue: q, passive: true}`)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		source, topic string
		want          bool
	}{
		{"all", "", true}, {"all", "x.y", true}, {"some", "", false}, {"some", "org.example.x", true},
		{"some", "x.done", true}, {"some", "x.y", false},
		{"theirs", "x", false}, {"theirs", "", false}, {"nobody", "x", false},
	} {
		if got := s.Wants(c.source, c.topic); got != c.want {
			t.Errorf("Wants(%q, %q) = %v", c.source, c.topic, got)
		}
	}
	var _ bus.Selective = s
}

func TestConfig(t *testing.T) {
	for _, c := range []struct{ name, broker, want string }{
		{"all", "url: 'amqps://u:p%26@h:1/%2Fv', topics: ['#'], queue: q, queue_type: quorum, dead_letter: d, " +
			"arguments: {x-expires: 1000, x-single-active-consumer: true}, silence: -1s", ""},
		{"no URL", "queue: q", "brokers: x: url: amqp://user"},
		{"another scheme", "url: 'http://h'", "url: amqp://"},
		{"no host", "url: 'amqp:///v'", "url: amqp://"},
		{"a port that is none", "url: 'amqp://h:99999'", "url: the port is none"},
		{"a password with a question mark", "url: 'amqp://u:p@h/?heartbeat=1'", "percent-encoded"},
		{"quorum without a name", "url: 'amqp://h', queue_type: quorum", "needs a name"},
		{"a key without a certificate", "url: 'amqps://h', key_file: x", "both or none"},
		{"a certificate that is not there", "url: 'amqps://h', cert_file: /no, key_file: /no", "key_file: open /no"},
		{"a CA that is not there", "url: 'amqps://h', ca_file: /no", "ca_file: open /no"},
		{"TLS files without TLS", "url: 'amqp://h', ca_file: /dev/null", "amqps was expected"},
		{"an unknown key", "url: 'amqp://h', quue: q", "unknown field"},
	} {
		_, err := open("brokers: {x: {" + c.broker + "}}")
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	if _, err := open("brokers: {a: {url: 'amqp://h', queue: q}, b: {url: 'amqp://h', queue: q}}"); err == nil ||
		!strings.Contains(err.Error(), "b: queue: a consumes it already") {
		t.Errorf("two consumers of one queue: %v", err)
	}
}

func TestURL(t *testing.T) {
	for text, want := range map[string]address{
		"amqp://h":                    {host: "h", port: "5672", vhost: "/"},
		"amqps://h/":                  {host: "h", port: "5671", vhost: "/", tls: true},
		"amqp://u:p@h:1/v":            {host: "h", port: "1", vhost: "v", user: "u", password: "p"},
		"amqps://fedora:@h/%2Fpublic": {host: "h", port: "5671", vhost: "/public", user: "fedora", tls: true},
		"amqp://u%40x:a%26%3F%25@[::1]/a/b": {
			host: "::1", port: "5672", vhost: "a/b", user: "u@x", password: "a&?%",
		},
	} {
		if a, err := parseURL(text); err != nil || a != want {
			t.Errorf("%s: %+v, %v", text, a, err)
		}
	}
	a := address{host: "::1", port: "5672", vhost: "/public", user: "u", password: "p"}
	if a.String() != "[::1]:5672/%2Fpublic" {
		t.Errorf("an address is written as %q", a)
	}
}

func TestArguments(t *testing.T) {
	s, err := open("brokers: {x: {url: 'amqp://h', queue: q, queue_type: quorum, dead_letter: d, arguments: " +
		"{x-expires: 1000, x-single-active-consumer: true, x-overflow: drop-head}}}")
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprintf("%#v", s.brokers[0].config.queueArguments())
	want := `amqp091.Table{"x-dead-letter-exchange":"d", "x-expires":1000, "x-overflow":"drop-head", ` +
		`"x-queue-type":"quorum", "x-single-active-consumer":true}`
	if got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
