package bus_test

import (
	"slices"
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

func BenchmarkDedupWindow(b *testing.B) {
	window := bus.NewDedupWindow(1 << 16)
	m := decoded(b, "a.b", `{"topic":"a.b","msg_id":"2026-0000-0000","timestamp":7,"msg":{"commit":"abc"}}`)
	for b.Loop() {
		window.See(m)
	}
}
