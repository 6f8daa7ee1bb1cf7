package zmq

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/internal/watch"
)

// A Source subscribes to publishers and hands their messages over. Each address has a goroutine and a connection of its
// own, so that the failure of one delays no other. Addresses may come and go while it runs: see source_places.go.
type Source struct {
	config  Config
	log     *slog.Logger
	now     func() time.Time
	topics  []string
	replays map[string]bus.Archive // by name of the endpoint

	written  []place                 // of Config.Endpoints
	files    *watch.Watcher[[]place] // of Config.EndpointsFile; nil: there is none
	domains  []*domain               // of Config.SRV
	reserved func() []string         // names of other sources; nil: none
	leftOut  map[place]bool          // what the log has said of; belongs to places

	ran       bool // Run has returned, and what was sent since then may be lost
	mu        sync.Mutex
	endpoints []*endpoint // by name and address
}

// An endpoint is one address: its connections, one after the other, and its figures.
type endpoint struct {
	place
	config    Config
	resolver  *net.Resolver // of the address's name; nil: the system's
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

func newEndpoint(s *Source, p place) *endpoint {
	log := s.log.With("endpoint", p.name, "address", p.addr.String())
	e := &endpoint{
		place: p, config: s.config, topics: s.topics, allTopics: slices.Contains(s.topics, ""),
		log: log, now: s.now,
		meter:  bus.NewMeter(p.name, p.addr.String(), log),
		counts: counters{stats: EndpointStats{Failures: map[string]uint64{}}},
	}
	if p.via != "" {
		e.resolver = resolverAt(s.config.SRVServer)
	}
	return e
}

// FromFedmsg marks what comes over ZeroMQ: a Source is a bus.FedmsgSource.
func (s *Source) FromFedmsg() {}

// Run receives from every endpoint until ctx ends, and returns nil. While an endpoint's queue in the Intake is full,
// nothing is read from its connections, so that the publishers keep what they send; with on_full: drop it is read, and
// dropped and counted.
func (s *Source) Run(ctx context.Context, in *bus.Intake) error {
	var all sync.WaitGroup
	defer all.Wait()
	changed := s.startFinders(ctx, &all)
	stops := map[*endpoint]context.CancelFunc{}
	come, gone := s.current(), []*endpoint(nil)
	if len(come) == 0 && !s.Finds() {
		s.log.Warn("no endpoints are configured: nothing will be received")
	}
	defer func() { s.ran = true }()
	for {
		for _, e := range gone {
			e.log.Info("endpoint removed")
			stops[e]()
			delete(stops, e)
		}
		for _, e := range come {
			part, stop := context.WithCancel(ctx)
			stops[e] = stop
			e.resumed = e.resumed || s.ran
			all.Go(func() {
				e.run(part, in)
				if ctx.Err() == nil {
					s.forget(in, e.name)
				}
			})
		}
		select {
		case <-ctx.Done():
			for _, stop := range stops {
				stop()
			}
			return nil
		case <-changed:
		}
		come, gone = s.update()
		for _, e := range come {
			e.log.Info("endpoint added")
			e.resumed = true // it may have been here before, and have gone on since
		}
	}
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
