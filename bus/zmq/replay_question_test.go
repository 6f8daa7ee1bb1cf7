package zmq

import (
	"fmt"
	"testing"

	"github.com/notifyd/notifyd/bus"
)

// TestReplayOfAServerThatMakesUpMessages: one that answers whatever it is asked does not keep us for ever.
func TestReplayOfAServerThatMakesUpMessages(t *testing.T) {
	const first = 5
	q := newReplayQuestion(nil, bus.Hole{Sequence: true, First: first})
	for asked := 0; !q.done; asked++ {
		if asked > replayMost {
			t.Fatal("it asks for ever")
		}
		to := min(q.next+q.size-1, q.last)
		if got := q.take([][]byte{fmt.Appendf(nil, `{"topic":"t","seq_id":%d}`, to)}, to); len(got) != 1 {
			t.Fatalf("%d of 1 message up to %d", len(got), to)
		}
	}
	if got := q.next - first; got != replayMost {
		t.Errorf("it has asked for %d numbers, want %d", got, replayMost)
	}
}

func TestReplayOfManyMessagesOfOneNumber(t *testing.T) {
	q := newReplayQuestion(nil, bus.Hole{Sequence: true, First: 5, Last: 6})
	parts := make([][]byte, 3000)
	for i := range parts {
		parts[i] = fmt.Appendf(nil, `{"topic":"t","msg":{"n":%d},"seq_id":5}`, i)
	}
	if got := q.take(parts, 6); len(got) != 1 {
		t.Errorf("%d messages were taken for one number", len(got))
	}
}
