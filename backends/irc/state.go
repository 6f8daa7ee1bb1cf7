package irc

import (
	"context"
	"fmt"
	"time"

	"github.com/notifyd/notifyd/backends"
)

// connected gives the live session. Until the very first attempt is over it waits for that: a daemon that starts owes
// much and is not down.
func (n *network) connected(ctx context.Context) (*session, error) {
	late := time.NewTimer(n.config.ConnectTimeout)
	defer late.Stop()
	select {
	case <-n.first:
	case <-late.C: // Run has not been called
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: not connected yet: %w", backends.ErrUnavailable, context.Cause(ctx))
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.live == nil {
		return nil, fmt.Errorf("%w: not connected", backends.ErrUnavailable)
	}
	return n.live, nil
}

// tried lets go whoever waits for the first attempt.
func (n *network) tried() {
	n.mu.Lock()
	defer n.mu.Unlock()
	select {
	case <-n.first:
	default:
		close(n.first)
	}
}

func (n *network) up(s *session) {
	n.mu.Lock()
	n.live = s
	if n.reached {
		n.stats.Reconnects++
	}
	n.reached = true
	n.mu.Unlock()
	n.tried()
	n.log.Info("IRC connection is up", "nick", s.conn.CurrentNick())
}

func (n *network) down() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.live = nil
}
