package irc

import (
	"context"
	"fmt"
	"time"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/internal/metric"
)

var _ backends.Metered = (*Backend)(nil)

// The metrics of a network.
var (
	connectedDesc = &metric.Desc{
		Name: "notifyd_irc_connected", Help: "1 while the network is connected.", Labels: []string{"network"},
	}
	throttledDesc = &metric.Desc{
		Name: "notifyd_irc_throttled_seconds_total", Help: "Time waited for the pace of the network.",
		Type: metric.Counter, Labels: []string{"network"},
	}
)

// NetworkStats are the figures of one network since the start.
type NetworkStats struct {
	Network    string
	Connected  bool
	Nick       string        // in use, not the configured one while that is taken; "" while not connected
	Sent       int           // lines that the server has acknowledged
	Failed     int           // lines that it has not
	Throttled  time.Duration // waited for the pace
	Reconnects int           // connections after the first
}

// Stats gives the figures of every network, in the order of the configuration.
func (b *Backend) Stats() []NetworkStats {
	var all []NetworkStats
	for _, n := range b.networks {
		n.mu.Lock()
		s := n.stats
		s.Network = n.config.Name
		if n.live != nil {
			s.Connected, s.Nick = true, n.live.conn.CurrentNick()
		}
		n.mu.Unlock()
		all = append(all, s)
	}
	return all
}

// Collect emits the metrics of every network.
func (b *Backend) Collect(emit metric.Emit) {
	for _, n := range b.Stats() {
		emit(connectedDesc, metric.Bool(n.Connected), n.Network)
		emit(throttledDesc, n.Throttled.Seconds(), n.Network)
	}
}

// connected gives the live session. It waits until the first attempt of Run is over: a daemon that has just started, or
// taken over from another one, is not down.
func (n *network) connected(ctx context.Context) (*session, error) {
	late := time.NewTimer(n.config.ConnectTimeout)
	defer late.Stop()
	n.mu.Lock()
	first := n.first
	n.mu.Unlock()
	select {
	case <-first:
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

// begin makes Sends wait for the first attempt of this Run.
func (n *network) begin() {
	n.mu.Lock()
	defer n.mu.Unlock()
	select {
	case <-n.first: // of an earlier Run
		n.first = make(chan struct{})
	default:
	}
}

// tried ends the wait for the first attempt.
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
