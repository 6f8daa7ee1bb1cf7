package amqp

import (
	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/sessions"
	"github.com/notifyd/notifyd/internal/metric"
)

// Reasons for which a session ends.
const (
	FailedDial      = "dial"          // nobody listens, or the name does not resolve
	FailedTLS       = "tls"           // certificates, or the files of ours
	FailedLogin     = "login"         // the broker does not know us, or not at this vhost
	FailedTopology  = "topology"      // queue, exchange or binding are refused
	FailedTimeout   = "timeout"       // the broker does not answer
	FailedCancelled = "cancelled"     // the queue was deleted while we consumed
	FailedClosed    = "closed"        // the broker has closed channel or connection, and said so
	FailedLost      = sessions.Lost   // the network, or a broker that died
	FailedSilent    = sessions.Silent // connected, and nothing came
	FailedStuck     = "stuck"         // nothing of what came is committed: it goes back to the queue
	FailedPanic     = "panic"         // the client library panicked
)

var _ interface {
	bus.Source
	bus.Metered
	bus.Selective
} = (*Source)(nil)

// kind has the metrics of sessions.
var kind = sessions.NewKind("amqp", "is the queue bound to what it should be?")

// The metrics of a broker beside those of every source, and of sessions.
var (
	outstandingDesc = &metric.Desc{
		Name: "notifyd_amqp_unacknowledged", Help: "Messages received and not done with.", Labels: []string{"source"},
	}
	blockedDesc = &metric.Desc{
		Name: "notifyd_amqp_blocked", Help: "1 while the broker takes no messages, for want of memory or disk.",
		Labels: []string{"source"},
	}
)

// Collect emits the figures of every broker: a Source is bus.Metered.
func (s *Source) Collect(emit metric.Emit) {
	for _, b := range s.brokers {
		b.meter.Collect(emit)
		b.Loop.Collect(emit)
		emit(blockedDesc, metric.Bool(b.blocks.Load()), b.name)
		waiting := 0
		if acks := b.acks.Load(); acks != nil && b.meter.Traffic().Connected {
			waiting = acks.outstanding()
		}
		emit(outstandingDesc, float64(waiting), b.name)
	}
}
