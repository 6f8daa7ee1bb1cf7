package irc

import (
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
	Nick       string        // the nick in use, which is not the configured one while that is taken; "" while not connected
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
		emit(connectedDesc, metric.Number(n.Connected), n.Network)
		emit(throttledDesc, n.Throttled.Seconds(), n.Network)
	}
}
