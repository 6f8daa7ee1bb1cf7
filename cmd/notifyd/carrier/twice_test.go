package carrier

import (
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/internal/exectest"
)

// twice_test.go is about messages that come twice, or whose ids come twice, once from somebody who may not be genuine.

// TestProvedAfterACopyThatWasLeftOut: the first copy is not proved, so it is not handed on. That must not keep the
// proved one from being handed on.
func TestProvedAfterACopyThatWasLeftOut(t *testing.T) {
	marked := func(m *bus.Message) { m.Standing = bus.Standing{Verdict: bus.Unsigned, Marked: true} }
	for name, left := range map[string]func(m *bus.Message){
		skippedMarked: marked,
		skippedSeen: func(m *bus.Message) {
			m.Payload = []byte(strings.Replace(string(m.Payload), `"i":1`, `"headers":{"notifyd_via":"here"},"i":1`, 1))
			m.Standing = bus.Standing{Verdict: bus.Unsigned}
		},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, x *fixture) {
				to := &far{}
				c := x.carrier(to, bus.Choice{}, "one")
				x.run(c)
				x.put(left, "2026-a")
				exectest.Eventually(t, 10*time.Second, "the copy is left out", func() bool {
					return value(c, "notifyd_bridge_skipped_total", name) == 1
				})
				x.put(func(m *bus.Message) { m.Standing = bus.Standing{Verdict: bus.Signed, Signer: "zoe"} }, "2026-a")
				x.put(nil, "2026-b")
				x.want(to, []string{"2026-a", "2026-b"})
				if v := to.got[0].Message.Standing.Verdict; v != bus.Signed {
					t.Errorf("handed on was the copy that is %s", v)
				}
			})
		})
	}
}

// TestProvedAfterACopyThatWasHandedOn: it is handed on once.
func TestProvedAfterACopyThatWasHandedOn(t *testing.T) {
	each(t, func(t *testing.T, x *fixture) {
		to := &far{}
		x.run(x.carrier(to, bus.Choice{}, "one"))
		x.put(func(m *bus.Message) { m.Standing = bus.Standing{Verdict: bus.Unsigned} }, "2026-a")
		x.want(to, []string{"2026-a"})
		x.put(func(m *bus.Message) { m.Standing = bus.Standing{Verdict: bus.Signed, Signer: "zoe"} }, "2026-a")
		x.put(nil, "2026-b")
		x.want(to, []string{"2026-a", "2026-b"})
	})
}

// TestTheIDThatAStrangerTook: nobody has proved anything, so the message that came second may be the genuine one.
func TestTheIDThatAStrangerTook(t *testing.T) {
	each(t, func(t *testing.T, x *fixture) {
		to := &far{}
		x.run(x.carrier(to, bus.Choice{}, "one"))
		x.put(func(m *bus.Message) {
			forged := strings.Replace(string(m.Payload), `"msg":{`, `"msg":{"forged":1,`, 1)
			one, err := bus.Decode(bus.Frame{Source: "zmq", Topic: m.Topic, Payload: []byte(forged)}, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			*m = *one
		}, "2026-a")
		x.put(nil, "2026-a")
		x.put(nil, "2026-b")
		x.want(to, []string{"2026-a", "2026-a", "2026-b"})
	})
}
