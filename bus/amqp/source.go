package amqp

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

// A Source consumes queues and hands their messages over. Each broker has a goroutine and a connection of its own, so
// that the failure of one delays no other.
type Source struct {
	log     *slog.Logger
	brokers []*broker
}

// A broker is one queue at one broker: its sessions, one after the other, and its figures.
type broker struct {
	*sessions.Loop
	config  BrokerConfig
	name    string
	address address
	log     *slog.Logger
	meter   *bus.Meter
	now     func() time.Time
	acks    atomic.Pointer[acker] // of the session; nil: none yet
	blocks  atomic.Bool           // it takes no messages, for want of memory or disk

	returned *acker // of the last session, if it has given its messages back

	resumed bool // the next message is the first since any number may have been lost
}

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
	meter := bus.NewMeter(name, a.String(), log)
	retry := sessions.Config{RetryMin: c.RetryMin, RetryMax: c.RetryMax, Silence: c.Silence}
	return &broker{
		Loop: sessions.New(kind, name, retry, meter, log), config: c, name: name, address: a, log: log, now: time.Now,
		meter: meter,
	}, nil
}

// Competes reports whether all queues have a name, so that the broker shares them out: a Source is bus.Competing. Of a
// queue without a name each connection has its own, with everything in it.
func (s *Source) Competes() bool {
	return !slices.ContainsFunc(s.brokers, func(b *broker) bool { return b.config.Queue == "" })
}

// Run receives from every broker until ctx ends, and returns nil.
func (s *Source) Run(ctx context.Context, in *bus.Intake) error {
	if len(s.brokers) == 0 {
		s.log.Warn("no brokers are configured: nothing will be received")
		<-ctx.Done()
	}
	var all sync.WaitGroup
	for _, b := range s.brokers {
		all.Go(func() {
			b.Loop.Run(ctx, func(ctx context.Context) error { return b.session(ctx, in) })
		})
	}
	all.Wait()
	return nil
}

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
