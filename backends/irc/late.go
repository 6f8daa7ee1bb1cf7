package irc

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/ergochat/irc-go/ircmsg"
)

// The fence behind a line is answered by our own server. Where the person is on another server of the network, that one
// may still refuse the line: its answer comes later by the time between the two, and by then the line has an echo and a
// PONG. So whoever has sent the last line of a parcel listens on for a while.

// A listener hears what comes late about one target. Its fields belong to the session's lock.
type listener struct {
	target string
	late   []ircmsg.Message
	came   func() // closes the channel that listen waits for
}

// listen begins to hear what comes late about a target. wait gives it, at the end of d or as soon as something is
// there; stop ends it.
func (s *session) listen(target string) (
	wait func(ctx context.Context, d time.Duration) []ircmsg.Message, stop func(),
) {
	came := make(chan struct{})
	l := &listener{target: target, came: sync.OnceFunc(func() { close(came) })}
	s.mu.Lock()
	s.listening = append(s.listening, l)
	s.mu.Unlock()
	stop = func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.listening = slices.DeleteFunc(s.listening, func(other *listener) bool { return other == l })
	}
	wait = func(ctx context.Context, d time.Duration) []ircmsg.Message {
		end := time.NewTimer(d)
		defer end.Stop()
		select {
		case <-came:
		case <-end.C:
		case <-s.done:
		case <-ctx.Done():
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		return slices.Clone(l.late)
	}
	return wait, stop
}
