package amqp

import (
	"maps"
	"sync"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/internal/metric"
)

// Reasons for which a session ends.
const (
	FailedDial      = "dial"      // nobody listens, or the name does not resolve
	FailedTLS       = "tls"       // certificates, or the files of ours
	FailedLogin     = "login"     // the broker does not know us, or not at this vhost
	FailedTopology  = "topology"  // queue, exchange or binding are refused
	FailedTimeout   = "timeout"   // the broker does not answer
	FailedCancelled = "cancelled" // the queue was deleted while we consumed
	FailedClosed    = "closed"    // the broker has closed channel or connection, and said so
	FailedLost      = "lost"      // the network, or a broker that died
	FailedSilent    = "silent"    // connected, and nothing came
	FailedPanic     = "panic"     // the client library panicked
)

var _ interface {
	bus.Source
	bus.Metered
	bus.Selective
} = (*Source)(nil)

// The metrics of a broker beside those of every source.
var (
	failuresDesc = &metric.Desc{
		Name: "notifyd_amqp_failures_total", Help: "Sessions that ended or were not made, by reason.",
		Type: metric.Counter, Labels: []string{"source", "reason"},
	}
	redeliveredDesc = &metric.Desc{
		Name: "notifyd_amqp_redelivered_total", Help: "Messages that the broker says it may have delivered before.",
		Type: metric.Counter, Labels: []string{"source"},
	}
	outstandingDesc = &metric.Desc{
		Name: "notifyd_amqp_unacknowledged", Help: "Messages received and not done with.", Labels: []string{"source"},
	}
	silentDesc = &metric.Desc{
		Name: "notifyd_amqp_silent", Help: "1 after a silence for too long, until a message comes.",
		Labels: []string{"source"},
	}
	blockedDesc = &metric.Desc{
		Name: "notifyd_amqp_blocked", Help: "1 while the broker takes no messages, for want of memory or disk.",
		Labels: []string{"source"},
	}
)

// counters are the figures of a broker that its meter does not count.
type counters struct {
	mu sync.Mutex
	figures
}

type figures struct {
	failures        map[string]uint64
	redelivered     uint64
	silent, blocked bool
}

func (c *counters) failed(reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failures[reason]++
	c.blocked = false
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

func (c *counters) setBlocked(is bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.blocked = is
}

func (c *counters) snapshot() figures {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := c.figures
	f.failures = maps.Clone(f.failures)
	return f
}

// Collect emits the figures of every broker: a Source is bus.Metered.
func (s *Source) Collect(emit metric.Emit) {
	for _, b := range s.brokers {
		b.meter.Collect(emit)
		c := b.counts.snapshot()
		for reason, n := range c.failures {
			emit(failuresDesc, float64(n), b.name, reason)
		}
		emit(redeliveredDesc, float64(c.redelivered), b.name)
		emit(silentDesc, metric.Bool(c.silent), b.name)
		emit(blockedDesc, metric.Bool(c.blocked), b.name)
		waiting := 0
		if acks := b.acks.Load(); acks != nil && b.meter.Traffic().Connected {
			waiting = acks.outstanding()
		}
		emit(outstandingDesc, float64(waiting), b.name)
	}
}
