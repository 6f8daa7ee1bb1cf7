package zmq

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/internal/metric"
)

// RelayConfig is the section bus.relay.
type RelayConfig struct {
	// Listen is where publishers connect, such as tcp://127.0.0.1:2003. There must be one.
	Listen []string `yaml:"listen"`
	// Publish is where subscribers find what publishers send, byte for byte, such as tcp://127.0.0.1:4001. None: nowhere.
	Publish []string `yaml:"publish"`
	// Queue is how many messages a subscriber may be behind. Default 100000.
	Queue int `yaml:"queue"`
	// Sign has whatever is not signed yet signed by the relay, before anybody gets it, this daemon included: see
	// bus.Countersigning.
	Sign bool `yaml:"sign"`
}

// SetDefaults fills in what zero values stand for.
func (c *RelayConfig) SetDefaults() { c.Queue = zeroDefault(c.Queue, 100_000) }

// A Relay is a Source to which publishers connect, and which hands on what they send before anybody has looked at it,
// as fedmsg-relay does. While its queue in the Intake is full, publishers wait, and so do subscribers.
type Relay struct {
	config RelayConfig
	log    *slog.Logger
	meters []*bus.Meter // one for each address of Listen
	out    []*outlet
	pass   func(bus.Frame) ([]byte, error) // nil: what comes in is handed on as it is

	repeatOnly bool // what comes in is handed on by Repeat, if at all

	mu sync.Mutex
	in []*Listener // empty before Bind
}

// NewRelay checks c and makes a Relay. An error names the key and what was expected.
func NewRelay(c RelayConfig, log *slog.Logger) (*Relay, error) {
	c.SetDefaults()
	if len(c.Listen) == 0 {
		return nil, errors.New("listen: addresses such as tcp://127.0.0.1:2003 were expected")
	}
	if c.Queue < 1 || c.Queue > 1<<20 {
		return nil, fmt.Errorf("queue: %d; between 1 and %d", c.Queue, 1<<20)
	}
	seen := map[string]bool{}
	r := &Relay{config: c, log: log}
	add := func(key, text string) error {
		a, err := parseAddress(text)
		switch {
		case err != nil:
			return fmt.Errorf("%s: %w", key, err)
		case seen[a.String()]:
			return fmt.Errorf("%s: %s is there twice", key, text)
		}
		seen[a.String()] = true
		if key == "listen" {
			r.meters = append(r.meters, bus.NewMeter("relay", a.String(), log))
			return nil
		}
		o, err := newOutlet("relay", text, PublisherConfig{Queue: c.Queue, Bytes: 256 << 20}, log)
		r.out = append(r.out, o)
		return err
	}
	for _, text := range c.Listen {
		if err := add("listen", text); err != nil {
			return nil, err
		}
	}
	for _, text := range c.Publish {
		if err := add("publish", text); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// Countersigns reports whether the configuration says so: a Relay is bus.Countersigning.
func (r *Relay) Countersigns() bool { return r.config.Sign }

// CountersignBy is called before Bind.
func (r *Relay) CountersignBy(pass func(bus.Frame) ([]byte, error)) { r.pass = pass }

// Bind opens all sockets, or none: a Relay is a bus.Binder.
func (r *Relay) Bind(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.in) > 0 {
		return nil
	}
	err := r.bind(ctx)
	if err != nil {
		err = errors.Join(err, r.closeLocked())
		r.in = nil
	}
	return err
}

func (r *Relay) bind(ctx context.Context) error {
	for _, o := range r.out {
		if err := o.Bind(ctx); err != nil {
			return err
		}
	}
	for i, address := range r.config.Listen {
		l, err := Listen(ctx, "relay", address, ListenerConfig{}, r.log)
		if err != nil {
			return err
		}
		l.Meter, l.pass, l.tap = r.meters[i], r.pass, r.handOn
		r.in = append(r.in, l)
	}
	return nil
}

// Close closes the sockets of a Relay that is not run.
func (r *Relay) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.closeLocked()
}

func (r *Relay) closeLocked() error {
	var errs []error
	for _, l := range r.in {
		if err := l.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	for _, o := range r.out {
		errs = append(errs, o.Close())
	}
	return errors.Join(errs...)
}

// FromFedmsg marks what comes over ZeroMQ: a Relay is a bus.FedmsgSource.
func (r *Relay) FromFedmsg() {}

// handOn gives what has come in to all that have subscribed.
func (r *Relay) handOn(f bus.Frame) {
	if !r.repeatOnly {
		r.publish(f)
	}
}

func (r *Relay) publish(f bus.Frame) {
	for _, o := range r.out {
		o.Publish(f)
	}
}

// Competes says that publishers choose the node: a Relay is bus.Competing.
func (*Relay) Competes() bool { return true }

// Repeat hands on what notifyd itself says: a Relay is a bus.Repeater.
func (r *Relay) Repeat(f bus.Frame) { r.publish(f) }

// RepeatOnly is called before Bind.
func (r *Relay) RepeatOnly() { r.repeatOnly = true }

// Run serves publishers until ctx ends, and then hands on what was received by then.
func (r *Relay) Run(ctx context.Context, in *bus.Intake) error {
	if err := r.Bind(ctx); err != nil {
		if ctx.Err() != nil {
			return nil // it has ended before it began
		}
		return err
	}
	handing, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	errs := make([]error, len(r.in)+len(r.out))
	var receiving, all sync.WaitGroup
	for i, o := range r.out {
		all.Go(func() { errs[len(r.in)+i] = o.Run(handing) })
	}
	for i, l := range r.in {
		receiving.Go(func() { errs[i] = l.Run(ctx, in) })
	}
	receiving.Wait()
	stop()
	all.Wait()
	return errors.Join(errs...)
}

// Collect emits what the Relay has counted: a Relay is bus.Metered.
func (r *Relay) Collect(emit metric.Emit) {
	for _, m := range r.meters {
		m.Collect(emit)
	}
	for _, o := range r.out {
		o.Collect(emit)
	}
}

// RelayDriver opens a Relay by the configuration.
func RelayDriver() bus.Driver {
	return bus.NewDriver("relay",
		"Lets ZeroMQ publishers connect, as fedmsg-relay does, and hands on what they send.", NewRelay)
}
