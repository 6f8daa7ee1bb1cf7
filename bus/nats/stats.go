package nats

import (
	"maps"
	"sync"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/internal/metric"
)

// Reasons for which a session ends.
const (
	FailedDial     = "dial"     // nobody listens, or the name does not resolve
	FailedTLS      = "tls"      // certificates, or the files of ours
	FailedLogin    = "login"    // the server does not know us
	FailedTopology = "topology" // stream or consumer are not there, or are refused
	FailedTimeout  = "timeout"  // the server does not answer
	FailedDeleted  = "deleted"  // the consumer was deleted while we read
	FailedLost     = "lost"     // the network, or a server that stops or died
	FailedSilent   = "silent"   // connected, and nothing came
	FailedProtocol = "protocol" // what answers is no NATS server, or a hostile one
)

var _ interface {
	bus.Source
	bus.Metered
	bus.Selective
} = (*Source)(nil)

// The metrics of a server beside those of every source.
var (
	failuresDesc = &metric.Desc{
		Name: "notifyd_nats_failures_total", Help: "Sessions that ended or were not made, by reason.",
		Type: metric.Counter, Labels: []string{"source", "reason"},
	}
	redeliveredDesc = &metric.Desc{
		Name: "notifyd_nats_redelivered_total", Help: "Messages that the server has sent more than once.",
		Type: metric.Counter, Labels: []string{"source"},
	}
	outstandingDesc = &metric.Desc{
		Name: "notifyd_nats_unacknowledged", Help: "Messages received and not done with.", Labels: []string{"source"},
	}
	pendingDesc = &metric.Desc{
		Name: "notifyd_nats_pending", Help: "Messages of the stream that are still to come.", Labels: []string{"source"},
	}
	silentDesc = &metric.Desc{
		Name: "notifyd_nats_silent", Help: "1 after a silence for too long, until a message comes.",
		Labels: []string{"source"},
	}
)

// counters are the figures of a server that its meter does not count.
type counters struct {
	mu sync.Mutex
	figures
}

type figures struct {
	failures    map[string]uint64
	redelivered uint64
	silent      bool
}

func (c *counters) failed(reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failures[reason]++
}

func (c *counters) redeliver() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.redelivered++
}

func (c *counters) setSilent(is bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.silent = is
}

func (c *counters) snapshot() figures {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := c.figures
	f.failures = maps.Clone(f.failures)
	return f
}

// Collect emits the figures of every server: a Source is bus.Metered.
func (s *Source) Collect(emit metric.Emit) {
	for _, server := range s.servers {
		server.meter.Collect(emit)
		c := server.counts.snapshot()
		for reason, n := range c.failures {
			emit(failuresDesc, float64(n), server.name, reason)
		}
		emit(redeliveredDesc, float64(c.redelivered), server.name)
		emit(silentDesc, metric.Bool(c.silent), server.name)
		emit(outstandingDesc, float64(server.ledger.outstanding()), server.name)
		emit(pendingDesc, float64(server.pending.Load()), server.name)
	}
}
