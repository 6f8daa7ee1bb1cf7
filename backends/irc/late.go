package irc

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ergochat/irc-go/ircmsg"
)

// The fence behind a line is answered by our own server. Where the person is on another server of the network, that one
// may still refuse the line: its answer comes later by the time between the two, and by then the line has an echo and a
// PONG. So whoever has sent the last line of a parcel listens on for a while. The outbox sends to one address one
// parcel after the other, so this bounds what one person gets. Where there is no other server nobody listens.

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

// counted reads 251, which every server says after the registration: me, "There are 3 users and 0 services on 1
// servers". What it does not say in these words is not known.
func (s *session) counted(m ircmsg.Message) {
	if len(m.Params) == 0 {
		return
	}
	words, servers := strings.Fields(m.Params[len(m.Params)-1]), 0
	for i := 1; i < len(words); i++ {
		if count, err := strconv.Atoi(words[i-1]); err == nil && strings.HasPrefix(words[i], "server") {
			servers = count
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.servers = servers
}

// alone reports whether the server has said that it is the only one of its network.
func (s *session) alone() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.servers == 1
}

// lateAnswers is how long to listen for what comes late.
func (s *session) lateAnswers(configured time.Duration) time.Duration {
	if s.alone() {
		return 0
	}
	return configured
}

// recount asks a server that was alone whether it is so still. Its answer goes to counted.
func (n *network) recount(ctx context.Context, s *session) {
	if s.alone() && n.pace(ctx) == nil {
		s.exchange(ctx, "", "LUSERS") // one that does not answer is lost, which others see
	}
}
