package amqp

import (
	"context"
	"fmt"
	"time"

	"github.com/notifyd/notifyd/bus/sessions"
)

// A node that reaches the broker and not the database would keep what it has in hand from the other nodes for as long
// as that lasts. So it gives its messages back, and takes no others until what it has is committed. What comes again is
// known by its id, wherever it was committed first.

// holds is how long messages may wait without any being committed, before a session gives them back.
const holds = 10 * time.Second

// giveBack ends a session: with its connection the broker gives what is not acknowledged to whoever consumes the queue.
func (s *session) giveBack() error {
	s.returned = s.acker
	return sessions.Fail(FailedStuck, fmt.Errorf("none of the messages that came is stored since %v: they go back to the "+
		"queue, for another node, and none are taken until these are stored", holds))
}

// unstuck waits until what the last session has given back is committed here too, or is known to be elsewhere.
func (b *broker) unstuck(ctx context.Context) error {
	if b.returned == nil {
		return nil
	}
	for b.returned.outstanding() > 0 {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-b.returned.more:
		}
	}
	b.returned = nil
	return nil
}
