package amqp

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/notifyd/notifyd/bus"
)

// A Source consumes queues and hands their messages over. Each broker has a goroutine and a connection of its own, so
// that the failure of one delays no other.
type Source struct {
	log     *slog.Logger
	brokers []*broker
}

// A broker is one queue at one broker: its sessions, one after the other, and its figures.
type broker struct {
	config  BrokerConfig
	name    string
	address address
	log     *slog.Logger
	meter   *bus.Meter
	now     func() time.Time
	counts  counters
	acks    atomic.Pointer[acker] // of the session; nil: none yet

	resumed bool   // the next message is the first since any number may have been lost
	logged  string // the state that was logged last: the reason of a failure, or working
}

// working is the state of a broker whose queue is consumed.
const working = "working"

func newBroker(name string, c BrokerConfig, log *slog.Logger) (*broker, error) {
	a, err := parseURL(c.URL)
	if err != nil {
		return nil, err
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	if _, err := c.tlsConfig(a); err != nil {
		return nil, err
	}
	log = log.With("broker", name, "address", a.String())
	return &broker{
		config: c, name: name, address: a, log: log, now: time.Now, meter: bus.NewMeter(name, a.String(), log),
		counts: counters{figures: figures{failures: map[string]uint64{}}},
	}, nil
}

// Run receives from every broker until ctx ends, and returns nil.
func (s *Source) Run(ctx context.Context, in *bus.Intake) error {
	if len(s.brokers) == 0 {
		s.log.Warn("no brokers are configured: nothing will be received")
		<-ctx.Done()
	}
	var all sync.WaitGroup
	for _, b := range s.brokers {
		all.Go(func() { b.run(ctx, in) })
	}
	all.Wait()
	return nil
}

// healthy is how long a session must last for the pause after it to be short again.
const healthy = time.Minute

// run makes session after session. The pause between them grows, with jitter, until one has lasted.
func (b *broker) run(ctx context.Context, in *bus.Intake) {
	pause := &backoff.ExponentialBackOff{
		InitialInterval: b.config.RetryMin, MaxInterval: b.config.RetryMax, Multiplier: 2, RandomizationFactor: 0.5,
	}
	defer b.meter.Ended()
	for ctx.Err() == nil {
		began := b.now()
		err := b.session(ctx, in)
		if ctx.Err() != nil {
			return
		}
		b.noteFailure(err)
		if b.now().Sub(began) > min(healthy, 10*b.config.RetryMax) {
			pause.Reset()
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause.NextBackOff()):
		}
	}
}

// noteFailure counts why a session ended. It logs a reason once, until something has worked in between.
func (b *broker) noteFailure(err error) {
	reason := FailedLost
	if f := (*failure)(nil); errors.As(err, &f) {
		reason = f.reason
	}
	b.counts.failed(reason)
	switch {
	case b.logged == reason:
	case reason == FailedSilent:
		b.log.Warn("connected, but nothing has come: is the queue bound to what it should be? making the session anew",
			"silence", b.config.Silence, "last_message", b.meter.Traffic().LastMessage)
	default:
		b.log.Warn("not receiving, will retry", "reason", reason, "error", err)
	}
	b.logged = reason
}

// noteConsuming says once that a session has begun. After a silence a message must come first.
func (b *broker) noteConsuming() {
	if b.logged == working || b.logged == FailedSilent {
		return
	}
	b.logged = working
	b.log.Info("consuming")
}

// noteMessage says that a message came.
func (b *broker) noteMessage() {
	if b.logged == FailedSilent {
		b.logged = working
		b.log.Info("messages come again")
		b.counts.setSilent(false)
	}
}

// A failure is an error whose reason is known where it happened.
type failure struct {
	reason string
	err    error
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// Locations says where the messages of each broker come from: a Source is bus.Located. Exchanges of one vhost are one
// bus, since queues are bound to several; who wants to copy from one to another binds them at the broker.
func (s *Source) Locations() map[string]string {
	all := map[string]string{}
	for _, b := range s.brokers {
		all[b.name] = b.address.String()
	}
	return all
}

// Wants reports whether a broker's queue is bound to a topic: a Source is bus.Selective. What a passive queue is bound
// to by others is not known.
func (s *Source) Wants(source, topic string) bool {
	i := slices.IndexFunc(s.brokers, func(b *broker) bool { return b.name == source })
	if i < 0 {
		return false
	}
	b := s.brokers[i]
	if topic == "" || b.whole() {
		return b.whole()
	}
	words := strings.Split(topic, ".")
	return slices.ContainsFunc(b.config.Topics, func(pattern string) bool {
		return bus.MatchTopic(strings.Split(pattern, "."), words)
	})
}

// whole reports whether everything that is sent to the exchange comes, as far as we have bound the queue.
func (b *broker) whole() bool {
	if len(b.config.Topics) == 0 {
		return !b.config.Passive
	}
	return slices.Contains(b.config.Topics, "#")
}
