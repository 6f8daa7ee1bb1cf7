package zmq

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/notifyd/notifyd/bus"
)

// A Source subscribes to publishers and hands their messages over. Each address has a goroutine and a connection of its
// own, so that the failure of one delays no other.
type Source struct {
	config    Config
	log       *slog.Logger
	now       func() time.Time
	endpoints []*endpoint
	replays   map[string]bus.Archive // by name of the endpoint
}

// An endpoint is one address: its connections, one after the other, and its figures.
type endpoint struct {
	config    Config
	name      string
	addr      address
	topics    []string
	allTopics bool // every topic is subscribed to
	log       *slog.Logger
	now       func() time.Time
	meter     *bus.Meter
	counts    counters
	resumed   bool   // the next message is the first after the connection was lost
	logged    string // the state that was logged last: the reason of a failure, or working
}

// working is the state of an endpoint that has sent something, be it an answer to a PING.
const working = "working"

func newEndpoint(s *Source, name string, a address, topics []string) *endpoint {
	log := s.log.With("endpoint", name, "address", a.String())
	return &endpoint{
		config: s.config, name: name, addr: a, topics: topics, allTopics: slices.Contains(topics, ""),
		log: log, now: s.now,
		meter:  bus.NewMeter(name, a.String(), log),
		counts: counters{stats: EndpointStats{Failures: map[string]uint64{}}},
	}
}

// Run receives from every endpoint until ctx ends, and returns nil. While an endpoint's queue in the Intake is full,
// nothing is read from its connections, so that the publishers keep what they send; with on_full: drop it is read, and
// dropped and counted.
func (s *Source) Run(ctx context.Context, in *bus.Intake) error {
	if len(s.endpoints) == 0 {
		s.log.Warn("no endpoints are configured: nothing will be received")
		<-ctx.Done()
	}
	var all sync.WaitGroup
	for _, e := range s.endpoints {
		all.Go(func() { e.run(ctx, in) })
	}
	all.Wait()
	return nil
}

// run connects again and again. The pause between attempts grows, with jitter, until a connection has lasted a while.
func (e *endpoint) run(ctx context.Context, in *bus.Intake) {
	pause := &backoff.ExponentialBackOff{
		InitialInterval: e.config.RetryMin, MaxInterval: e.config.RetryMax, Multiplier: 2, RandomizationFactor: 0.5,
	}
	defer e.meter.Ended()
	for {
		began := e.now()
		err := e.session(ctx, in)
		if ctx.Err() != nil {
			return
		}
		e.noteFailure(err)
		if e.now().Sub(began) > e.config.RetryMax {
			pause.Reset()
		}
		if !wait(ctx, pause.NextBackOff()) {
			return
		}
	}
}

// noteFailure counts why a session ended. It logs a reason once, until something has worked in between.
func (e *endpoint) noteFailure(err error) {
	reason := reasonOf(err)
	e.counts.failed(reason)
	if e.logged != reason {
		e.logged = reason
		e.log.Warn("not connected, will retry", "reason", reason, "error", err)
	}
}

// reasonOf gives the reason by which the end of a session is counted.
func reasonOf(err error) string {
	for _, known := range []struct {
		err    error
		reason string
	}{
		{errTooLarge, FailedTooLarge}, {errFlood, FailedFlood},
		{errDead, FailedSilent}, {errSilent, FailedSilent}, {errStalled, FailedSilent},
	} {
		if errors.Is(err, known.err) {
			return known.reason
		}
	}
	var f *failure
	if errors.As(err, &f) {
		return f.reason
	}
	return FailedLost
}

// A failure is an error whose reason is known where it happened.
type failure struct {
	reason string
	err    error
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }
