package nats

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/sessions"
)

// A Source reads streams and hands their messages over. Each consumer has a goroutine and a connection of its own, so
// that the failure of one delays no other.
type Source struct {
	log     *slog.Logger
	servers []*server
}

// A server is one consumer of one stream: its sessions, one after the other, and its figures.
type server struct {
	*sessions.Loop
	config  ServerConfig
	name    string
	address string
	secure  bool // TLS is a must
	most    int  // bytes that one pull asks for
	log     *slog.Logger
	meter   *bus.Meter
	now     func() time.Time
	ledger  *ledger
	pending atomic.Uint64 // messages of the stream that are still to come

	stuck   bool // the last session has given its messages back
	late    bool // the last message was older than the consumer
	resumed bool // the next message is the first since some were lost
}

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
	meter := bus.NewMeter(name, address, log)
	retry := sessions.Config{RetryMin: c.RetryMin, RetryMax: c.RetryMax, Silence: c.Silence}
	return &server{
		Loop: sessions.New(kind, name, retry, meter, log), config: c, name: name, address: address, secure: secure,
		most: bus.MaxHeld, log: log, now: time.Now, meter: meter, ledger: newLedger(),
	}, nil
}

// Competes says that JetStream shares out what a durable consumer gets: a Source is bus.Competing.
func (*Source) Competes() bool { return true }

// Run receives from every server until ctx ends, and returns nil.
func (s *Source) Run(ctx context.Context, in *bus.Intake) error {
	if len(s.servers) == 0 {
		s.log.Warn("no servers are configured: nothing will be received")
		<-ctx.Done()
	}
	var all sync.WaitGroup
	for _, server := range s.servers {
		all.Go(func() {
			server.Loop.Run(ctx, func(ctx context.Context) error { return server.session(ctx, in) })
		})
	}
	all.Wait()
	return nil
}

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
