package nats

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/internal/backoff"
)

// A Source reads streams and hands their messages over. Each consumer has a goroutine and a connection of its own, so
// that the failure of one delays no other.
type Source struct {
	log     *slog.Logger
	servers []*server
}

// A server is one consumer of one stream: its sessions, one after the other, and its figures.
type server struct {
	config  ServerConfig
	name    string
	address string
	secure  bool // TLS is a must
	most    int  // bytes that one pull asks for
	log     *slog.Logger
	meter   *bus.Meter
	now     func() time.Time
	counts  counters
	ledger  *ledger
	pending atomic.Uint64 // messages of the stream that are still to come

	late    bool   // the last message was older than the consumer
	resumed bool   // the next message is the first since some were lost
	logged  string // the state that was logged last: the reason of a failure, or working
}

// working is the state of a server whose stream is read.
const working = "working"

func newServer(name string, c ServerConfig, log *slog.Logger) (*server, error) {
	addresses, secure, err := c.addresses()
	if err != nil {
		return nil, err
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	if _, err := c.tlsConfig(); err != nil {
		return nil, err
	}
	if _, err := c.login(); err != nil {
		return nil, err
	}
	address := strings.Join(addresses, ",") + "/" + c.Stream
	log = log.With("server", name, "address", address)
	return &server{
		config: c, name: name, address: address, secure: secure, most: bus.MaxHeld, log: log, now: time.Now,
		meter: bus.NewMeter(name, address, log), ledger: newLedger(),
		counts: counters{figures: figures{failures: map[string]uint64{}}},
	}, nil
}

// Run receives from every server until ctx ends, and returns nil.
func (s *Source) Run(ctx context.Context, in *bus.Intake) error {
	if len(s.servers) == 0 {
		s.log.Warn("no servers are configured: nothing will be received")
		<-ctx.Done()
	}
	var all sync.WaitGroup
	for _, server := range s.servers {
		all.Go(func() { server.run(ctx, in) })
	}
	all.Wait()
	return nil
}

// healthy is how long a session must last for the pause after it to be short again.
const healthy = time.Minute

// run makes session after session. The pause between them grows, with jitter, until one has lasted.
func (s *server) run(ctx context.Context, in *bus.Intake) {
	defer s.meter.Ended()
	for failed := int64(1); ; failed++ {
		began := s.now()
		err := s.session(ctx, in)
		if ctx.Err() != nil {
			return
		}
		s.noteFailure(err)
		if s.now().Sub(began) > min(healthy, 10*s.config.RetryMax) {
			failed = 1
		}
		if !backoff.Sleep(ctx, backoff.Delay(s.config.RetryMin, s.config.RetryMax, failed, rand.Float64)) {
			return
		}
	}
}

// noteFailure counts why a session ended. It logs a reason once, until something has worked in between.
func (s *server) noteFailure(err error) {
	reason := FailedLost
	if f := (*failure)(nil); errors.As(err, &f) {
		reason = f.reason
	}
	s.counts.failed(reason)
	switch {
	case s.logged == reason:
	case reason == FailedSilent:
		s.log.Warn("connected, but nothing has come: do stream and subjects get what they should? making the session anew",
			"silence", s.config.Silence, "last_message", s.meter.Traffic().LastMessage)
	default:
		s.log.Warn("not receiving, will retry", "reason", reason, "error", err)
	}
	s.logged = reason
}

// noteConsuming says once that a session has begun. After a silence a message must come first.
func (s *server) noteConsuming(server string) {
	if s.logged == working || s.logged == FailedSilent {
		return
	}
	s.logged = working
	s.log.Info("consuming", "from", server)
}

// noteMessage says that a message came.
func (s *server) noteMessage() {
	if s.logged == FailedSilent {
		s.logged = working
		s.log.Info("messages come again")
		s.counts.setSilent(false)
	}
}

// A failure is an error whose reason is known where it happened.
type failure struct {
	reason string
	err    error
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// Wants reports whether a server's consumer gets a topic: a Source is bus.Selective.
func (s *Source) Wants(source, topic string) bool {
	i := slices.IndexFunc(s.servers, func(server *server) bool { return server.name == source })
	if i < 0 {
		return false
	}
	c := s.servers[i].config
	if topic == "" || c.whole() {
		return c.whole()
	}
	return slices.ContainsFunc(c.Subjects, func(pattern string) bool { return matches(pattern, c.subject(topic)) })
}

// whole reports whether everything in the stream comes.
func (c ServerConfig) whole() bool {
	return len(c.Subjects) == 0 || slices.Contains(c.Subjects, ">")
}
