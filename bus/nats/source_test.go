package nats

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// open opens a source as the daemon does.
func open(config string) (*Source, error) {
	decode := func(v any) error { return yaml.UnmarshalWithOptions([]byte(config), v, yaml.Strict()) }
	s, err := Driver().Open(decode, quiet())
	if err != nil {
		return nil, err
	}
	return s.(*Source), nil
}

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		pattern, subject string
		want             bool
	}{
		{">", "a", true}, {">", "a.b", true}, {">", "", false}, {"a", "a", true}, {"a", "a.b", false}, {"a.b", "a", false},
		{"a.*", "a.b", true}, {"a.*", "a", false}, {"a.*", "a.b.c", false}, {"a.>", "a", false}, {"a.>", "a.b.c", true},
		{"*.c", "b.c", true}, {"*.c", "c", false}, {"a.*.c", "a.b.c", true}, {"a.*.c", "a.b.d", false}, {"a*", "ab", false},
	} {
		if got := matches(c.pattern, c.subject); got != c.want {
			t.Errorf("matches(%q, %q) = %v", c.pattern, c.subject, got)
		}
	}
}

func TestWants(t *testing.T) {
	s, err := open(`servers:
  all: {urls: ['nats://h'], stream: S}
  some: {urls: ['nats://h'], stream: T, subjects: [org.example.>, '*.done']}
  below: {urls: ['nats://h'], stream: U, prefix: bus.in, subjects: ['bus.in.a.*']}`)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		source, topic string
		want          bool
	}{
		{"all", "", true}, {"all", "x.y", true}, {"some", "", false}, {"some", "org.example.x", true},
		{"some", "x.done", true}, {"some", "x.y", false}, {"below", "a.b", true}, {"below", "bus.in.a.b", false},
		{"below", "b.a", false}, {"nobody", "x", false},
	} {
		if got := s.Wants(c.source, c.topic); got != c.want {
			t.Errorf("Wants(%q, %q) = %v", c.source, c.topic, got)
		}
	}
	below := s.servers[1].config
	if got := below.topic("bus.in.a.b"); got != "a.b" {
		t.Errorf("the topic is %q", got)
	}
	if got := below.topic("bus.input.a"); got != "bus.input.a" {
		t.Errorf("the topic of a subject without the prefix is %q", got)
	}
}

func TestConfig(t *testing.T) {
	folder := t.TempDir()
	seed := filepath.Join(folder, "seed")
	if err := os.WriteFile(seed, []byte("SUNOTASEEDsesame"), 0o600); err != nil {
		t.Fatal(err)
	}
	const site = "urls: ['nats://h'], stream: S"
	for _, c := range []struct{ name, server, want string }{
		{"all", "urls: ['tls://h:1', 'nats://[::1]'], stream: S, durable: d, subjects: [a.>], prefix: p, create: stream, " +
			"start: new, max_age: 1h, replicas: 3, dead_letter: d.d, user: u, password: p, inbox: _INBOX_u, silence: -1s", ""},
		{"no URL", "stream: S", "servers: x: urls: at least one nats://host:port"},
		{"another scheme", "urls: ['http://h'], stream: S", "urls: nats://host:port or tls://host:port"},
		{"no host", "urls: ['nats://:4222'], stream: S", "urls: nats://host:port"},
		{"a port that is none", "urls: ['nats://h:99999'], stream: S", "urls: the port is none"},
		{"a login in the URL", "urls: ['nats://u:sesame@h'], stream: S", "urls: no login was expected here"},
		{"a path", "urls: ['nats://h/x'], stream: S", "urls: nothing was expected after the port"},
		{"no stream", "urls: ['nats://h']", `stream: ""; a name`},
		{"a stream with dots", "urls: ['nats://h'], stream: a.b", `stream: "a.b"; a name without dots`},
		{"a pattern with > in the middle", site + ", subjects: ['a.>.b']", `subjects: "a.>.b"; words`},
		{"a pattern of AMQP", site + ", subjects: ['a.#']", `subjects: "a.#"; > was expected instead of #`},
		{"a stream made of no subjects", site + ", create: stream", "create: a stream that is made needs subjects"},
		{"something else made", site + ", create: all", `create: "all"; consumer, stream or nothing`},
		{"another start", site + ", start: last", `start: "last"; all or new`},
		{"dead letters that come again", site + ", subjects: [a.>], dead_letter: a.dead", "dead_letter: \"a.dead\" is among subjects"},
		{"two logins", site + ", token: t, user: u, password: p", "user, token: only one way to log in"},
		{"a user without a password", site + ", user: u", "user, password: both or none"},
		{"credentials that are not there", site + ", creds_file: /no", "creds_file: open /no"},
		{"credentials of another kind", site + ", creds_file: " + seed, "has no \"-----BEGIN NATS USER JWT-----\""},
		{"a seed that is none", site + ", nkey_file: " + seed, "nkey_file: " + seed + " holds no seed of a user"},
		{"a key without a certificate", site + ", key_file: x", "both or none"},
		{"a CA that is not there", site + ", ca_file: /no", "ca_file: open /no"},
		{"a time that cannot be meant", site + ", ack_wait: 30ns", "ack_wait: 30ns; at least 1s"},
		{"an unknown key", site + ", queue: q", "unknown field"},
	} {
		_, err := open("servers: {x: {" + c.server + "}}")
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "sesame") {
			t.Errorf("%s: the error has a secret: %v", c.name, err)
		}
	}
	if _, err := open("servers: {a: {" + site + "}, b: {" + site + "}}"); err == nil ||
		!strings.Contains(err.Error(), "b: durable: a reads as it already") {
		t.Errorf("two that are one consumer: %v", err)
	}
}
