package relay

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/trust"
	"github.com/notifyd/notifyd/internal/metric"
	"github.com/notifyd/notifyd/internal/pkitest"
)

// A peer is an outlet that keeps what it is given.
type peer struct {
	got          []bus.Frame
	signs, alone bool
}

func (p *peer) Publish(f bus.Frame)       { p.got = append(p.got, f) }
func (p *peer) Run(context.Context) error { return nil }
func (p *peer) Collect(metric.Emit)       {}
func (p *peer) Signs() bool               { return p.signs }
func (p *peer) Bridges() bool             { return p.alone }

func item(t *testing.T, source, payload string) Item {
	t.Helper()
	f := bus.Frame{Source: source, Topic: "org.example.prod.git.receive", Payload: []byte(payload)}
	m, err := bus.Decode(f, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return Item{f, m}
}

const uuid = "4b5a3d2c-95a0-4f0e-b1cd-0123456789a"

// items are a message of each kind: fedmsg's, two of AMQP, one that a bridge has taken from fedmsg to AMQP, our own.
func items(t *testing.T) []Item {
	own := item(t, "notifyd", `{"msg":{},"msg_id":"2026-`+uuid+`4","timestamp":1780000000}`)
	own.Frame.Own = true
	return []Item{
		item(t, "hub", `{"msg" : {"n":1},"msg_id":"2026-`+uuid+`0","i":5,"timestamp":1780000000}`),
		item(t, "rabbit", `{"id":"`+uuid+`1","headers":{"sent-at":"2026-05-28T20:26:40+00:00"},"body":{"n":2}}`),
		item(t, "rabbit", `{"id":"2026-`+uuid+`0","body":{"n":1}}`),
		item(t, "rabbit", `{"id":"`+uuid+`3","headers":{"sent-at":"2026-05-28T20:26:40+00:00"},"body":{"n":3}}`),
		own,
	}
}

func TestOutputWritesFedmsg(t *testing.T) {
	for _, test := range []struct {
		alone bool
		want  []int // of items
	}{{false, []int{0, 1, 2, 3, 4}}, {true, []int{1, 3, 4}}} {
		p := &peer{alone: test.alone}
		o := NewOutput(OutputConfig{Outlet: p, Elsewhere: func(s string) bool { return s == "rabbit" }})
		given := items(t)
		o.HandOn(given)
		if len(p.got) != len(test.want) {
			t.Fatalf("alone %v: %d came, want %d", test.alone, len(p.got), len(test.want))
		}
		i := int64(0)
		for n, f := range p.got {
			from := given[test.want[n]]
			if !from.Message.Foreign() {
				if string(f.Payload) != string(from.Frame.Payload) {
					t.Errorf("fedmsg's own message became %s", f.Payload)
				}
				continue
			}
			i++
			m, err := bus.Decode(f, time.Now())
			if err != nil || m.Foreign() || !m.Bridged() || m.Counter != i || m.ContentHash() != from.Message.ContentHash() {
				t.Errorf("message %d became %s, %v", test.want[n], f.Payload, err)
			}
		}
		if given[1].Frame.Payload[0] != '{' || !slices.Equal(given[1].Frame.Payload, given[1].Message.Payload) {
			t.Error("the frame that the router has was changed")
		}
	}
}

// TestOutputSigns: what came by AMQP leaves signed, but not what the policy marks.
func TestOutputSigns(t *testing.T) {
	pki, err := pkitest.New(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := pki.Write(folder); err != nil {
		t.Fatal(err)
	}
	content, err := trust.SignerFiles(folder+"/"+pkitest.Git+".crt", folder+"/"+pkitest.Git+".key").Read()
	if err != nil {
		t.Fatal(err)
	}
	signer, err := content.Make()
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := trust.Open(trust.Config{CA: folder + "/ca.crt"})
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{signs: true}
	o := NewOutput(OutputConfig{Outlet: p, Signer: func() *trust.Signer { return signer }})
	given := items(t)[:4]
	given[3].Message.Standing.Marked = true
	for range 20 {
		o.HandOn(given)
	}
	for n, f := range p.got {
		m, err := bus.Decode(f, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		m.Late = true // its time is that of the message, long ago
		s, _ := verifier.Judge(m, time.Now())
		if want := []bus.Verdict{bus.Unsigned, bus.Signed, bus.Signed, bus.Unsigned}[n%4]; s.Verdict != want {
			t.Errorf("message %d is %s (%s), want %s", n%4, s.Verdict, s.Reason, want)
		}
		if n%4 > 0 && m.Counter != int64(n/4*3+n%4) {
			t.Errorf("message %d has the number %d", n, m.Counter)
		}
	}
}

func TestOutputTellsOfWhatHasNoForm(t *testing.T) {
	large := item(t, "rabbit", `{"id":"x","body":"`+strings.Repeat("x", 900_000)+`"}`)
	large.Message.Payload = []byte(`{"id":"x","body":"` + strings.Repeat("x", bus.MaxPayload-20) + `"}`)
	var odd []string
	p := &peer{}
	o := NewOutput(OutputConfig{Outlet: p, Odd: func(m *bus.Message, _ error) { odd = append(odd, m.ID) }})
	o.HandOn([]Item{large})
	if len(odd) != 1 || len(p.got) != 1 || string(p.got[0].Payload) != string(large.Frame.Payload) {
		t.Errorf("told of %q, %d handed on", odd, len(p.got))
	}
}
