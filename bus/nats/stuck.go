package nats

import (
	"fmt"
	"time"

	"github.com/notifyd/notifyd/bus/sessions"
)

// A node that reaches the server and not the database would keep what it has in hand from the other nodes for as long
// as that lasts. So it gives its messages back, and takes no others until what it has is committed. What comes again is
// known by its id, wherever it was committed first.

// holds is how long messages may wait without any being committed, before a session gives them back.
const holds = 10 * time.Second

// giveBack ends a session: the server sends what is not acknowledged again, to whoever asks.
func (s *session) giveBack() error {
	if err := s.giveAll(); err != nil {
		s.log.Debug("cannot give messages back; others get them after ack_wait", "error", clip(err.Error()))
	}
	return sessions.Fail(FailedStuck, fmt.Errorf("none of the messages that came is stored since %v: they go back to the "+
		"stream, for another node, and none are taken until these are stored", holds))
}
