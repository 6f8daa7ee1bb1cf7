// Package relay is what `notifyd relay` runs: publishers connect to it, and subscribers find all that they send at one
// address. fedmsg calls its own the relay and the signing relay.
//
// It is a source and an outlet of bus/zmq with a bounded queue in between. The source makes publishers wait while that
// is full; the outlet drops what a subscriber has no room for, since ZeroMQ knows no way to ask again. So a subscriber
// that does not read delays nobody. [Gateway] is what `notifyd gateway` runs, and by an [Output] `notifyd serve` hands
// on.
package relay

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/trust"
	"github.com/notifyd/notifyd/bus/zmq"
	"github.com/notifyd/notifyd/internal/watch"
)

// Config says what a Relay does.
type Config struct {
	In    []string // where publishers connect
	Out   string   // where subscribers connect
	Queue int      // messages that a subscriber may be behind

	Signer *trust.Signer // nil: everything is handed on unchanged
	// Verifier is followed while its files change. What it finds signed is handed on unchanged; nil: everything is signed
	// anew.
	Verifier *watch.Watcher[*trust.Verifier]

	Now func() time.Time
	Log *slog.Logger
}

// A Relay hands on what publishers send.
type Relay struct {
	config Config
	in     []*zmq.Listener
	out    *zmq.Publisher
	meter  *bus.Meter // counts what is handed on, and counts and logs what is not
	lost   uint64     // messages that subscribers had lost when the log said so last
}

// maxBehind is how many bytes a subscriber may be behind: a burst of some ten thousand signed messages.
const maxBehind = 256 << 20

// Open opens all sockets, or none.
func Open(ctx context.Context, c Config) (*Relay, error) {
	r := &Relay{config: c}
	if err := r.bind(ctx); err != nil {
		for _, l := range r.in {
			l.Close()
		}
		return nil, err
	}
	r.meter = bus.NewMeter("relay", r.Out(), c.Log)
	return r, nil
}

func (r *Relay) bind(ctx context.Context) (err error) {
	for _, address := range r.config.In {
		l, err := zmq.Listen(ctx, address, address, zmq.ListenerConfig{}, r.config.Log)
		if err != nil {
			return err
		}
		r.in = append(r.in, l)
	}
	c := zmq.PublisherConfig{Queue: r.config.Queue, Bytes: maxBehind}
	r.out, err = zmq.Bind(ctx, r.config.Out, c, r.config.Log)
	return err
}

// In gives the addresses where publishers connect.
func (r *Relay) In() []string {
	var all []string
	for _, l := range r.in {
		all = append(all, l.Addr())
	}
	return all
}

// Out is the address where subscribers connect.
func (r *Relay) Out() string { return r.out.Addr() }

// Run relays until ctx ends. What was received by then is handed on, and subscribers have a moment to take it.
func (r *Relay) Run(ctx context.Context) error {
	intake := bus.NewIntake(bus.IntakeConfig{})
	outCtx, stopOut := context.WithCancel(context.WithoutCancel(ctx))
	defer stopOut()
	errs := make([]error, len(r.in)+1)
	var in, all sync.WaitGroup
	for i, l := range r.in {
		in.Go(func() { errs[i] = l.Run(ctx, intake) })
	}
	all.Go(func() { errs[len(r.in)] = r.out.Run(outCtx) })
	all.Go(func() {
		in.Wait()
		intake.Close()
	})
	reporting, stopReports := context.WithCancel(outCtx)
	defer stopReports()
	if r.config.Verifier != nil {
		all.Go(func() { r.config.Verifier.Run(reporting) })
	}
	all.Go(func() { r.report(reporting) })
	for batch, open := intake.Next(outCtx); open; batch, open = intake.Next(outCtx) {
		r.handOn(batch)
	}
	stopReports()
	stopOut()
	all.Wait()
	r.end()
	return errors.Join(errs...)
}

// handOn publishes a batch in its order. Signatures are made on all processors.
func (r *Relay) handOn(batch []bus.Frame) {
	payloads, errs := make([][]byte, len(batch)), make([]error, len(batch))
	var next atomic.Int64
	var all sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(batch)) {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(batch); i = int(next.Add(1)) - 1 {
				payloads[i], errs[i] = r.pass(batch[i])
			}
		})
	}
	all.Wait()
	for i, f := range batch {
		if errs[i] == nil {
			if _, err := r.out.Publish(f.Topic, payloads[i]); err != nil {
				errs[i] = errUnsendable
			}
		}
		if errs[i] != nil {
			r.meter.Dropped(errs[i].Error())
		} else {
			r.meter.Received()
		}
		f.Done()
	}
}

// report says in the log what is wrong: every minute that subscribers lose messages, where more were lost, and every
// hour what is wrong with certificates.
func (r *Relay) report(ctx context.Context) {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for minute := 1; ; minute++ {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		r.reportLost()
		if minute%60 == 0 {
			r.reportProblems()
		}
	}
}

func (r *Relay) reportLost() {
	if lost := r.out.Stats().Dropped; lost != r.lost {
		r.config.Log.Warn("subscribers are too far behind and lose messages", "lost", lost-r.lost, "total", lost)
		r.lost = lost
	}
}

func (r *Relay) reportProblems() {
	now := r.config.Now()
	if r.config.Signer != nil {
		if err := r.config.Signer.ValidAt(now); err != nil {
			r.config.Log.Error("nobody will believe what is signed", "error", err)
		}
	}
	if r.config.Verifier != nil {
		for _, warning := range r.config.Verifier.Load().Warnings(now) {
			r.config.Log.Warn("what is signed already is signed anew", "problem", warning)
		}
	}
}

func (r *Relay) end() {
	r.meter.Ended()
	r.reportLost()
	received := uint64(0)
	for _, l := range r.in {
		received += l.Traffic().Received
	}
	r.config.Log.Info("relay stopped", "received", received, "handed_on", r.meter.Traffic().Received)
}

// errUnsendable is a reason to drop a frame: it is out of the bounds of what is sent.
var errUnsendable = errors.New("unsendable")

// pass gives the payload that is handed on for a frame. Its error is the reason to drop the frame.
func (r *Relay) pass(f bus.Frame) ([]byte, error) {
	if r.config.Signer == nil {
		return f.Payload, nil
	}
	c := trust.Countersigner{Signer: func() *trust.Signer { return r.config.Signer }, Now: r.config.Now}
	if r.config.Verifier != nil {
		c.Verifier = r.config.Verifier.Load
	}
	return c.Pass(f)
}
