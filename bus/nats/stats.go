package nats

import (
	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/sessions"
	"github.com/notifyd/notifyd/internal/metric"
)

// Reasons for which a session ends.
const (
	FailedDial     = "dial"          // nobody listens, or the name does not resolve
	FailedTLS      = "tls"           // certificates, or the files of ours
	FailedLogin    = "login"         // the server does not know us
	FailedTopology = "topology"      // stream or consumer are not there, or are refused
	FailedTimeout  = "timeout"       // the server does not answer
	FailedDeleted  = "deleted"       // the consumer was deleted while we read
	FailedLost     = sessions.Lost   // the network, or a server that stops or died
	FailedSilent   = sessions.Silent // connected, and nothing came
	FailedStuck    = "stuck"         // nothing of what came is committed: it is given back
	FailedProtocol = "protocol"      // what answers is no NATS server, or a hostile one
)

var _ interface {
	bus.Source
	bus.Metered
	bus.Selective
} = (*Source)(nil)

// kind has the metrics of sessions.
var kind = sessions.NewKind("nats", "do stream and subjects get what they should?")

// The metrics of a server beside those of every source, and of sessions.
var (
	outstandingDesc = &metric.Desc{
		Name: "notifyd_nats_unacknowledged", Help: "Messages received and not done with.", Labels: []string{"source"},
	}
	pendingDesc = &metric.Desc{
		Name: "notifyd_nats_pending", Help: "Messages of the stream that are still to come.", Labels: []string{"source"},
	}
)

// Collect emits the figures of every server: a Source is bus.Metered.
func (s *Source) Collect(emit metric.Emit) {
	for _, server := range s.servers {
		server.meter.Collect(emit)
		server.Loop.Collect(emit)
		emit(outstandingDesc, float64(server.ledger.outstanding()), server.name)
		emit(pendingDesc, float64(server.pending.Load()), server.name)
	}
}
