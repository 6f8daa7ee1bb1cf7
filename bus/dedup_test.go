package bus_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/notifyd/notifyd/bus"
)

// TestDedupWindowHoldsTheLast compares a DedupWindow with a list of the last n messages that were new.
func TestDedupWindowHoldsTheLast(t *testing.T) {
	type sent struct {
		id, body string
		proved   bool
	}
	one := rapid.Custom(func(t *rapid.T) sent {
		return sent{rapid.StringMatching(`[a-d]`).Draw(t, "id"), rapid.StringMatching(`[xy]`).Draw(t, "body"),
			rapid.Bool().Draw(t, "proved")}
	})
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 5).Draw(t, "n")
		window := bus.NewDedupWindow(n)
		var model []sent
		for _, s := range rapid.SliceOf(one).Draw(t, "sent") {
			want := bus.Unseen
			at := slices.IndexFunc(model, func(m sent) bool { return m.id == s.id && m.body == s.body })
			switch {
			case at < 0:
				model = append(model, s)
				model = model[max(0, len(model)-n):]
			case s.proved && !model[at].proved:
				model[at].proved, want = true, bus.Stronger
			default:
				want = bus.Repeat
			}
			if got := window.See(message(s.id, s.body, s.proved)); got != want {
				t.Fatalf("See(%v) = %v, want %v with %v", s, got, want, model)
			}
		}
	})
}

func message(id, body string, proved bool) *bus.Message {
	m := &bus.Message{ID: id, Topic: "a.b", Body: body, Standing: bus.Standing{Verdict: bus.Unsigned}}
	if proved {
		m.Standing.Verdict = bus.Signed
	}
	return m
}

// TestForgerySuppressesNothing sends what an attacker may send before and after a genuine message.
func TestForgerySuppressesNothing(t *testing.T) {
	window := bus.NewDedupWindow(10)
	for i, step := range []struct {
		m    *bus.Message
		want bus.Novelty
	}{
		{message("1", "forged", false), bus.Unseen},
		{message("1", "forged", false), bus.Repeat},
		{message("1", "genuine", false), bus.Unseen}, // a copy without its signature
		{message("1", "genuine", true), bus.Stronger},
		{message("1", "genuine", true), bus.Repeat},
		{message("1", "genuine", false), bus.Repeat},
		{message("1", "forged", false), bus.Repeat},
		{message("2", "genuine", false), bus.Unseen},
	} {
		if got := window.See(step.m); got != step.want {
			t.Errorf("step %d: See = %v, want %v", i, got, step.want)
		}
	}
}

// TestOneMessageFromTwoBuses decodes a message as it may come: by fedmsg, AMQP, the bridges between them, and STOMP.
// Time, counter, names and headers differ.
func TestOneMessageFromTwoBuses(t *testing.T) {
	const uuid, topic = "4b5a3d2c-95a0-4f0e-b1cd-0123456789ab", "org.example.prod.git.receive"
	forms := map[string]string{
		"amqp": `{"topic":"` + topic + `","id":"` + uuid + `","headers":{"fedora_messaging_severity":20,` +
			`"sent-at":"2026-11-29T12:00:00+00:00"},"body":{"commit": {"rev": "abc", "n": 1.0}}}`,
		"amqp by a bridge": `{"topic":"` + topic + `","id":"2026-` + uuid + `","body":{"commit":{"n":1.0,"rev":"abc"}}}`,
		"fedmsg by a bridge": `{"topic":"` + topic + `","msg":{"commit":{"n":1.0,"rev":"abc"}},"timestamp":1798761601,` +
			`"msg_id":"2027-` + uuid + `","i":7,"username":"amqp-bridge","headers":{"x":1},"crypto":"x509",` +
			`"signature":"c2ln","certificate":"Y2VydA=="}`,
		"fedmsg": `{"i":3,"msg":{"commit":{"n":1.0,"rev":"abc"}},"msg_id":"2026-` + uuid + `","timestamp":1795953600,` +
			`"topic":"` + topic + `","username":"git"}`,
		"stomp": `{"topic":"` + topic + `","msg":{"commit":{"rev":"\u0061bc","n":10e-1}},"msg_id":"2026-` +
			strings.ToUpper(uuid) + `","headers":{"message-id":"ID:broker-1:2:3","destination":"/topic/x"}}`,
	}
	for first := range forms {
		for second := range forms {
			window := bus.NewDedupWindow(10)
			if got := window.See(decoded(t, topic, forms[first])); got != bus.Unseen {
				t.Errorf("%s: %v", first, got)
			}
			again := decoded(t, topic, forms[second])
			if got := window.See(again); got != bus.Repeat {
				t.Errorf("%s after %s: %v, want a repeat", second, first, got)
			}
			proved := *again
			proved.Standing = bus.Standing{Verdict: bus.Signed}
			if got := window.See(&proved); got != bus.Stronger {
				t.Errorf("%s after %s, proved: %v", second, first, got)
			}
			other := decoded(t, "org.example.other", strings.ReplaceAll(forms[second], topic, "org.example.other"))
			if got := window.See(other); got != bus.Unseen {
				t.Errorf("%s under another topic: %v", second, got)
			}
		}
	}
}

func BenchmarkDedupWindow(b *testing.B) {
	window := bus.NewDedupWindow(1 << 16)
	m := decoded(b, "a.b", `{"topic":"a.b","msg_id":"2026-0000-0000","timestamp":7,"msg":{"commit":"abc"}}`)
	for b.Loop() {
		window.See(m)
	}
}
