package bus

import (
	"context"
	"log/slog"

	"github.com/notifyd/notifyd/internal/metric"
)

// An Outlet hands frames on to peers that want them: the twin of Source. A source may make its bus wait; an outlet
// makes nobody wait, since one subscriber that does not read would otherwise stop the bus for all the others. So what a
// peer has no room for is lost to that peer alone, and counted. What bus/bustest holds against every outlet:
//
//   - Order: each peer gets the frames in the order of Publish, with topic and payload byte for byte. A frame out of
//     bounds (Frame.OutOfBounds) is handed to nobody, and counted.
//   - Publish never waits, whatever peers do, and may be called at any time by any goroutine; before Run and after it
//     nobody gets the frame.
//   - A queue a peer: bounded in frames and in bytes, and all queues together in bytes. A peer that does not read loses
//     frames, is counted, and is named in the log; no other peer loses one for it.
//   - Nothing that a peer sends, or does not send, ends or stops an outlet.
//   - It is metered: the metrics have a sum for all peers, as peers come and go; no label holds the name of one.
//
// # Example
//
//	go outlet.Run(ctx)
//	for f := range frames {
//		outlet.Publish(f)
//	}
type Outlet interface {
	// Publish hands f on to all peers that want its topic. The payload must not change afterwards. It does not call
	// f.Done: that is the matter of whoever has received f.
	Publish(f Frame)
	// Run serves peers until ctx ends; it is called once. Then peers have a moment to take what waits for them. It
	// returns within seconds of ctx's end, and all it started has ended then. An error is for what no retry can mend,
	// such as an address that is taken.
	Run(ctx context.Context) error
	// Collect emits every series that the outlet has, as it stands now. It waits for nobody, and is safe at any time.
	Collect(emit metric.Emit)
}

// An OutletDriver opens outlets of one kind, as a Driver opens sources. bus/all lists them.
type OutletDriver struct {
	Name string // in the configuration: "gateway"
	Doc  string // one or two sentences
	// Open makes an outlet and starts nothing: see Driver.Open.
	Open func(decode func(any) error, log *slog.Logger) (Outlet, error)
}

// A Binder is a source or an outlet to which others connect. Run takes its addresses itself, where Bind has not done so
// before. Bind is for a program that wants to know at its start whether they are free; Close gives them back, where Run
// is not called.
type Binder interface {
	Bind(ctx context.Context) error
	Close() error
}

// A Repeater is a source that hands on what comes to it, before anybody has looked at it. Repeat hands on another frame
// in the same way, one that notifyd itself has made. It does not wait.
type Repeater interface {
	Repeat(f Frame)
	// RepeatOnly says, before Run, that nothing is handed on but what Repeat gets: the program gives it everything, also
	// what another node has received.
	RepeatOnly()
}

// A Choosy outlet does not want every frame. Of frames that it does not want nothing is counted.
type Choosy interface {
	// Wants reports whether f, which is as it was received, is for the outlet.
	Wants(f Frame) bool
}

// A Countersigning source can have what it receives signed before anybody gets it, as a signing relay does. It has no
// key itself: the program gives it what signs.
type Countersigning interface {
	// Countersigns reports whether the source is told to. Then CountersignBy is called before Bind and Run.
	Countersigns() bool
	// CountersignBy says by what. pass gives the payload that goes on instead of a frame's own; its error is a reason, as
	// for Meter.Dropped, to drop the frame. Many goroutines call it.
	CountersignBy(pass func(Frame) ([]byte, error))
}

// A FedmsgOutlet has peers that know fedmsg's form alone: what is Foreign is published as ToFedmsg writes it, and all
// else byte for byte.
type FedmsgOutlet interface {
	// Signs reports whether what ToFedmsg writes is to be signed.
	Signs() bool
	// Bridges reports whether only that is wanted which did not come over ZeroMQ: not from a FedmsgSource, and not
	// FromFedmsg.
	Bridges() bool
}

// A FedmsgSource is one whose messages come from fedmsg's bus itself, over ZeroMQ.
type FedmsgSource interface{ FromFedmsg() }

// OutletFigures are what an outlet counts of one address.
type OutletFigures struct {
	Peers     int               // connected now
	Published uint64            // frames given to Publish that are within the bounds
	Sent      uint64            // the same, counted once for each peer for which they were queued
	Dropped   map[string]uint64 // frames that one peer, or all of them, did not get, by reason
	Refused   uint64            // connections that failed
	Held      int64             // bytes that wait for peers
}

// Reasons for which a peer does not get a frame, beside DroppedFull: its queue is full. Those of the outlet, which are
// DroppedTopic, DroppedLarge and DroppedBehind, count once for all peers.
const (
	DroppedLost   = "peer_lost"   // the connection ended with the frame in its queue
	DroppedBehind = "outlet_full" // the outlet itself does not keep up
)

var (
	peersDesc     = outletDesc("peers", "Peers that are connected.", metric.Gauge)
	publishedDesc = outletDesc("messages_total", "Frames to hand on.", metric.Counter)
	sentDesc      = outletDesc("sent_total", "Frames queued for a peer, counted for each.", metric.Counter)
	lostDesc      = outletDesc("dropped_total", "Frames that a peer did not get, counted for each, by reason.",
		metric.Counter, "reason")
	refusedDesc = outletDesc("refused_total", "Connections of peers that failed or were cut off.", metric.Counter)
	heldDesc    = outletDesc("held_bytes", "Bytes that wait for peers.", metric.Gauge)
)

func outletDesc(name, help string, t metric.Type, more ...string) *metric.Desc {
	labels := append([]string{"outlet", "address"}, more...)
	return &metric.Desc{Name: "notifyd_outlet_" + name, Help: help, Type: t, Labels: labels}
}

// Collect emits the metrics that every outlet has.
func (f OutletFigures) Collect(emit metric.Emit, outlet, address string) {
	emit(peersDesc, float64(f.Peers), outlet, address)
	emit(publishedDesc, float64(f.Published), outlet, address)
	emit(sentDesc, float64(f.Sent), outlet, address)
	for reason, n := range f.Dropped {
		emit(lostDesc, float64(n), outlet, address, reason)
	}
	emit(refusedDesc, float64(f.Refused), outlet, address)
	emit(heldDesc, float64(f.Held), outlet, address)
}
