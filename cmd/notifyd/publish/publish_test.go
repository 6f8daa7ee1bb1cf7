package publish

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
)

// A crowd is a publisher with so many subscribers for each message, the last number for all later ones.
type crowd struct {
	peers    []int
	bodies   []string
	counters []int64
	flushed  int // messages that were published when Flush was called last
}

func (c *crowd) Publish(topic string, payload []byte) (int, error) {
	m, err := bus.Decode(bus.Frame{Topic: topic, Payload: payload}, time.Unix(2, 0))
	if err != nil {
		return 0, err
	}
	body, err := json.Marshal(m.Body)
	c.bodies = append(c.bodies, string(body))
	c.counters = append(c.counters, m.Counter)
	return c.peers[min(len(c.bodies), len(c.peers))-1], err
}

func (c *crowd) Flush(context.Context) error { c.flushed = len(c.bodies); return nil }

func sender(c *crowd) *Sender {
	return &Sender{Publisher: c, Topic: "org.example.dev.a.b", Now: func() time.Time { return time.Unix(1, 0) }}
}

func TestForms(t *testing.T) {
	for _, c := range []struct {
		name, want string
		send       func(s *Sender) error
	}{
		{"lines", `{"log":"one"} {"log":"tw\ufffd"}`, func(s *Sender) error {
			return s.Lines(t.Context(), strings.NewReader(" one\n\n  \ntw\xff"))
		}},
		{"document", `{"a":[1,{}]}`, func(s *Sender) error {
			return s.Document(t.Context(), strings.NewReader("{\"a\":\n[1,{}]}\n"))
		}},
		{"announcement", `{"link":"https://example.org/1","message":"Tea is\nready"}`, func(s *Sender) error {
			return s.Announcement(t.Context(), strings.NewReader("Tea is\nready\n"), "https://example.org/1")
		}},
		{"announcement without a link", `{"link":null,"message":"x"}`, func(s *Sender) error {
			return s.Announcement(t.Context(), strings.NewReader("x"), "")
		}},
	} {
		got := &crowd{peers: []int{1}}
		if err := c.send(sender(got)); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		bodies := strings.ReplaceAll(strings.Join(got.bodies, " "), "\uFFFD", `\ufffd`)
		if bodies != c.want || got.flushed != len(got.bodies) {
			t.Errorf("%s: sent %s, flushed %d", c.name, bodies, got.flushed)
		}
	}
}

func TestWhatIsNoMessage(t *testing.T) {
	got := &crowd{peers: []int{1}}
	for name, err := range map[string]error{
		"no JSON":   sender(got).Document(t.Context(), strings.NewReader("{")),
		"no text":   sender(got).Announcement(t.Context(), strings.NewReader(" \n"), ""),
		"too large": sender(got).Document(t.Context(), strings.NewReader(strings.Repeat(" ", bus.MaxPayload+1))),
		"a line":    sender(got).Lines(t.Context(), strings.NewReader(strings.Repeat("x", bus.MaxPayload+1))),
	} {
		if err == nil || len(got.bodies) > 0 {
			t.Errorf("%s: %v, sent %q", name, err, got.bodies)
		}
	}
}

func TestSaysHowManyTookIt(t *testing.T) {
	for _, c := range []struct {
		peers []int
		want  string
	}{{[]int{3}, "3"}, {[]int{3, 2, 3}, "2 to 3"}, {[]int{2, 2, 0}, "message 3 was not sent"}} {
		got := &crowd{peers: c.peers}
		s := sender(got)
		err := s.Lines(t.Context(), strings.NewReader("a\nb\nc\n"))
		said := s.Took()
		if err != nil {
			said = err.Error()
		}
		if !strings.HasPrefix(said, c.want) {
			t.Errorf("%v: %s, want %s", c.peers, said, c.want)
		}
		if fmt.Sprint(got.counters) != "[1 2 3]" {
			t.Errorf("counters %v", got.counters)
		}
	}
}

func TestTopic(t *testing.T) {
	for _, c := range []struct{ prefix, env, modname, topic, want string }{
		{"org.example", "dev", "logger", "log", "org.example.dev.logger.log"},
		{"org.example", "prod", "git", "receive.x", "org.example.prod.git.receive.x"},
		{"org.example", "prod", "org.example.stg.git", "receive", "org.example.stg.git.receive"},
	} {
		if got := Topic(c.prefix, c.env, c.modname, c.topic); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}
