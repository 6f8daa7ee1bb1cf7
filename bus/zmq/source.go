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

// A Source subscribes to publishers and hands their frames over. Each address has one goroutine and one connection of
// its own, so that one endpoint's trouble is no other's.
type Source struct {
	config    Config
	log       *slog.Logger
	now       func() time.Time
	queue     queue
	endpoints []*endpoint
}

// An endpoint is one address: its connection, one after the other, and its figures.
type endpoint struct {
	config Config
	name   string
	addr   address
	topics []string
	whole  bool // every topic is subscribed to
	queue  *queue
	log    *slog.Logger
	now    func() time.Time
	meter  *bus.Meter
	counts counters
	gaps   *bus.Gaps
	said   string // the state that was logged last: a reason of failure, or working
}

// working is the state of an endpoint from which something has come, be it an answer to a PING.
const working = "working"

// publishersKnown bounds the names that gap detection remembers for an endpoint.
const publishersKnown = 1024

func newEndpoint(s *Source, name string, a address, topics []string) *endpoint {
	log := s.log.With("endpoint", name, "address", a.String())
	return &endpoint{
		config: s.config, name: name, addr: a, topics: topics, whole: slices.Contains(topics, ""), queue: &s.queue, log: log, now: s.now,
		meter:  bus.NewMeter(name, a.String(), log),
		counts: counters{stats: EndpointStats{Failures: map[string]uint64{}}},
		gaps:   bus.NewGaps(publishersKnown),
	}
}

// Run receives from every endpoint until ctx ends; it gives no other error. When out is full the frame is dropped and
// counted, since ZeroMQ cannot be made to wait: out's buffer is the queue.
func (s *Source) Run(ctx context.Context, out chan<- bus.Frame) error {
	if len(s.endpoints) == 0 {
		s.log.Warn("no endpoints are configured: nothing will be received")
		<-ctx.Done()
	}
	names := map[string]bool{}
	for _, e := range s.endpoints {
		names[e.name] = true
	}
	s.queue.share(cap(out), len(names))
	var all sync.WaitGroup
	for _, e := range s.endpoints {
		all.Go(func() { e.run(ctx, out) })
	}
	all.Wait()
	return nil
}

// run connects again and again. The pause between attempts grows, with jitter, until a connection has lasted.
func (e *endpoint) run(ctx context.Context, out chan<- bus.Frame) {
	pause := &backoff.ExponentialBackOff{
		InitialInterval: e.config.RetryMin, MaxInterval: e.config.RetryMax, Multiplier: 2, RandomizationFactor: 0.5,
	}
	for {
		began := e.now()
		err := e.session(ctx, out)
		if ctx.Err() != nil {
			return
		}
		e.trouble(err)
		if e.now().Sub(began) > e.config.RetryMax {
			pause.Reset()
		}
		if !wait(ctx, pause.NextBackOff()) {
			return
		}
	}
}

// trouble counts why a session ended, and logs it unless the same was logged and nothing has worked since.
func (e *endpoint) trouble(err error) {
	reason := reasonOf(err)
	e.counts.failed(reason)
	if e.said != reason {
		e.said = reason
		e.log.Warn("not connected, will retry", "reason", reason, "error", err)
	}
}

// reasonOf names what ended a session for the figures.
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

// A failure is an error whose reason its place tells.
type failure struct {
	reason string
	err    error
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }
