package publish

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/bus"
)

// A record is a publisher that keeps bodies.
type record struct {
	bodies  []string
	flushed int // messages that were published when Flush was called last
}

func (r *record) Publish(_ context.Context, topic string, body any) (string, error) {
	text, err := json.Marshal(body)
	r.bodies = append(r.bodies, string(text))
	return "", err
}

func (r *record) Flush(context.Context) error { r.flushed = len(r.bodies); return nil }

func sender(r *record) *Sender { return &Sender{Publisher: r, Topic: "b"} }

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
		got := &record{}
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
	got := &record{}
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
