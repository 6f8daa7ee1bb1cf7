package zmq

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/internal/grace"
	"github.com/notifyd/notifyd/internal/metric"
)

// An outlet is a bus.Outlet: a PUB socket that listens. A queue is between its caller and the Publisher, so that the
// caller's time does not depend on the number of subscribers.
type outlet struct {
	name, address string
	config        PublisherConfig
	log           *slog.Logger
	more          chan struct{} // has room for one: there may be a frame

	mu        sync.Mutex
	publisher *Publisher // nil before Bind
	running   bool
	queue     []bus.Frame
	bytes     int64
	dropped   map[string]uint64 // for all peers, by reason
}

// The bounds of an outlet's queue: some seconds of a fast bus.
const (
	outletFrames = 50_000
	outletBytes  = 32 << 20
)

// reportEvery is how often the log says which subscribers lose messages, and saidLosers how many it names.
const (
	reportEvery = time.Minute
	saidLosers  = 5
)

func newOutlet(name, address string, c PublisherConfig, log *slog.Logger) (*outlet, error) {
	a, err := parseAddress(address)
	if err != nil {
		return nil, err
	}
	return &outlet{
		name: name, address: a.String(), config: c, log: log, more: make(chan struct{}, 1), dropped: map[string]uint64{},
	}, nil
}

// Bind opens the socket: an outlet is a bus.Binder.
func (o *outlet) Bind(ctx context.Context) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.publisher != nil {
		return nil
	}
	p, err := Bind(ctx, o.address, o.config, o.log)
	o.publisher = p
	return err
}

// Addr is the address at which a bound outlet listens, in ZeroMQ's form.
func (o *outlet) Addr() string { return o.publisher.Addr() }

// Close closes the socket of an outlet that is not run.
func (o *outlet) Close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.publisher == nil || o.running {
		return nil
	}
	return o.publisher.Close()
}

// Publish queues f: see bus.Outlet.
func (o *outlet) Publish(f bus.Frame) {
	o.mu.Lock()
	defer o.mu.Unlock()
	size := int64(len(f.Topic) + len(f.Payload))
	switch reason := f.OutOfBounds(); {
	case !o.running:
	case reason != "":
		o.dropped[reason]++
	case len(o.queue) >= outletFrames, o.bytes > 0 && o.bytes+size > outletBytes:
		o.dropped[bus.DroppedBehind]++
	default:
		o.bytes += size
		o.queue = append(o.queue, bus.Frame{Topic: f.Topic, Payload: f.Payload})
		select {
		case o.more <- struct{}{}:
		default:
		}
	}
}

// Run serves subscribers until ctx ends: see bus.Outlet.
func (o *outlet) Run(ctx context.Context) error {
	if err := o.Bind(ctx); err != nil {
		if ctx.Err() != nil {
			return nil // it has ended before it began
		}
		return err
	}
	o.run(true)
	o.log.Info("handing messages on", "address", o.publisher.Addr())
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	handing, release := grace.Extend(ctx, o.publisher.config.Linger)
	defer release()
	var all sync.WaitGroup
	var err error
	all.Go(func() { err = o.publisher.Run(serving) })
	tick := time.NewTicker(reportEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case <-o.more:
			o.handOn(handing)
		case <-tick.C:
			o.report()
		case <-ctx.Done():
		}
	}
	o.run(false)
	o.handOn(handing)
	stop()
	all.Wait()
	o.report()
	return err
}

func (o *outlet) run(running bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.running = running
}

// handAtOnce is how many frames are handed on before it is looked whether there is still time.
const handAtOnce = 256

// handOn gives the Publisher what is queued, until ctx ends.
func (o *outlet) handOn(ctx context.Context) {
	for {
		o.mu.Lock()
		queue := o.queue
		o.queue, o.bytes = nil, 0
		o.mu.Unlock()
		if len(queue) == 0 {
			return
		}
		for len(queue) > 0 {
			if ctx.Err() != nil {
				o.drop(bus.DroppedBehind, len(queue))
				return
			}
			n := min(handAtOnce, len(queue))
			o.publisher.publishAll(queue[:n])
			clear(queue[:n])
			queue = queue[n:]
		}
	}
}

func (o *outlet) drop(reason string, n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.dropped[reason] += uint64(n)
}

// report names in the log who has lost messages since the last report.
func (o *outlet) report() {
	losers := o.publisher.takeLosers()
	for i, l := range losers {
		if i == saidLosers {
			o.log.Warn("more subscribers are too far behind and lose messages", "subscribers", len(losers)-i)
			return
		}
		o.log.Warn("a subscriber is too far behind and loses messages", "subscriber", l.name,
			"lost", l.lost)
	}
}

// figures gives a snapshot.
func (o *outlet) figures() bus.OutletFigures {
	o.mu.Lock()
	defer o.mu.Unlock()
	f := bus.OutletFigures{Dropped: map[string]uint64{}, Held: o.bytes, Published: uint64(len(o.queue))}
	for reason, n := range o.dropped {
		f.Dropped[reason] = n
	}
	f.Published += f.Dropped[bus.DroppedBehind]
	if o.publisher == nil {
		return f
	}
	s := o.publisher.Stats()
	f.Peers, f.Sent, f.Refused = s.Peers, s.Queued, s.Refused
	f.Published += s.Published
	f.Held += o.publisher.held.Load()
	f.Dropped[bus.DroppedFull] = s.Dropped - s.Lost
	f.Dropped[bus.DroppedLost] = s.Lost
	return f
}

// Collect emits the metrics of an outlet.
func (o *outlet) Collect(emit metric.Emit) { o.figures().Collect(emit, o.name, o.address) }
