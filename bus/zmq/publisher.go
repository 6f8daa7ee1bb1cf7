package zmq

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/notifyd/notifyd/bus"
)

// A Publisher sends messages to whoever has subscribed: to subscribers that connect to it (Bind), or to a relay that it
// connects to itself (Connect). Each peer has a bounded queue of its own, so that one that does not read loses its own
// messages and delays nobody.
type Publisher struct {
	config   PublisherConfig
	log      *slog.Logger
	now      func() time.Time
	listener net.Listener // nil: the publisher connects
	relay    address

	mu      sync.Mutex
	peers   []*peer
	changed chan struct{} // closed and renewed whenever a peer comes, goes or subscribes
	trouble error         // the last reason for which no relay was reached
	counts  PublisherStats
}

// PublisherConfig bounds a Publisher. The zero value of a field means its default.
type PublisherConfig struct {
	Queue    int           // messages a peer may be behind; default 1000
	Bytes    int64         // bytes a peer may be behind; default 64 MiB
	Peers    int           // peers at once; default 1000
	Prefixes int           // subscriptions of one peer; default 1000
	Timeout  time.Duration // for dialling, the handshake, and one write; default 10s
	Linger   time.Duration // for a peer to take what is queued when Run ends; default 1s
}

// PublisherStats is a snapshot of a Publisher's figures.
type PublisherStats struct {
	Peers     int    // connected now
	Published uint64 // messages given to Publish
	Queued    uint64 // messages put into some peer's queue
	Dropped   uint64 // messages that a peer's full queue did not take, or that were in it when the peer was lost
	Refused   uint64 // connections that failed: no handshake in time, a bound broken, or the line lost
}

func (c PublisherConfig) withDefaults() PublisherConfig {
	c.Queue = orDefault(c.Queue, 1000)
	c.Bytes = orDefault(c.Bytes, 64<<20)
	c.Peers = orDefault(c.Peers, 1000)
	c.Prefixes = orDefault(c.Prefixes, 1000)
	c.Timeout = orDefault(c.Timeout, 10*time.Second)
	c.Linger = orDefault(c.Linger, time.Second)
	return c
}

func orDefault[T int | int64 | time.Duration](v, d T) T {
	if v <= 0 {
		return d
	}
	return v
}

// Bind makes a Publisher that listens at addr (tcp://host:port, port 0 takes a free one; tcp://*:port listens on
// loopback only, name 0.0.0.0 for every interface; ipc://path). It serves once Run is called.
func Bind(ctx context.Context, addr string, c PublisherConfig, log *slog.Logger) (*Publisher, error) {
	a, err := parseAddress(addr)
	if err != nil {
		return nil, err
	}
	l, err := a.listen(ctx)
	if err != nil {
		return nil, fmt.Errorf("listen at %s: %w", a, err)
	}
	p := newPublisher(c, log)
	p.listener = l
	return p, nil
}

// Connect makes a Publisher that Run connects to the relay at addr, a SUB socket that binds, again and again.
func Connect(addr string, c PublisherConfig, log *slog.Logger) (*Publisher, error) {
	a, err := parseAddress(addr)
	if err != nil {
		return nil, err
	}
	p := newPublisher(c, log)
	p.relay = a
	return p, nil
}

func newPublisher(c PublisherConfig, log *slog.Logger) *Publisher {
	return &Publisher{config: c.withDefaults(), log: log, now: time.Now, changed: make(chan struct{})}
}

// Addr is the address that the Publisher listens at or connects to, in ZeroMQ's form.
func (p *Publisher) Addr() string {
	if p.listener == nil {
		return p.relay.String()
	}
	a := p.listener.Addr()
	return address{a.Network(), a.String()}.String()
}

// Run serves peers until ctx ends. Then it gives every peer Linger to take what is queued, and ends when all are gone.
func (p *Publisher) Run(ctx context.Context) error {
	if p.listener == nil {
		p.connect(ctx)
		return nil
	}
	return p.accept(ctx)
}

// Publish queues a message of two frames for every peer that has subscribed to its topic and gives how many those are.
// It never waits. The payload must not change afterwards.
func (p *Publisher) Publish(topic string, payload []byte) (int, error) {
	if err := bus.CheckTopic(topic); err != nil {
		return 0, err
	}
	if len(payload) > bus.MaxPayload {
		return 0, fmt.Errorf("payload of %d bytes, at most %d are sent", len(payload), bus.MaxPayload)
	}
	wire := encodeMessage(topic, payload)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.counts.Published++
	n := 0
	for _, peer := range p.peers {
		if !peer.wants(topic) {
			continue
		}
		if peer.enqueue(wire) {
			p.counts.Queued++
			n++
		} else {
			p.counts.Dropped++
		}
	}
	return n, nil
}

// encodeMessage writes the two frames as they go over the wire, once for all peers.
func encodeMessage(topic string, payload []byte) []byte {
	wire := make([]byte, 0, len(topic)+len(payload)+18)
	for i, frame := range [][]byte{[]byte(topic), payload} {
		flags := byte(flagMore)
		if i == 1 {
			flags = 0
		}
		if len(frame) > 255 {
			wire = binary.BigEndian.AppendUint64(append(wire, flags|flagLong), uint64(len(frame)))
		} else {
			wire = append(wire, flags, byte(len(frame)))
		}
		wire = append(wire, frame...)
	}
	return wire
}

// WaitSubscribed waits until some peer has subscribed to topic: what is published before is lost, as everywhere in
// ZeroMQ. When ctx ends first, the error says what was missing.
func (p *Publisher) WaitSubscribed(ctx context.Context, topic string) error {
	for {
		p.mu.Lock()
		changed := p.changed
		found := slices.ContainsFunc(p.peers, func(q *peer) bool { return q.wants(topic) })
		p.mu.Unlock()
		if found {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return p.missed(topic)
		}
	}
}

// missed says why nobody has subscribed to topic.
func (p *Publisher) missed(topic string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.listener != nil:
		return fmt.Errorf("no subscriber came to %s", p.Addr())
	case len(p.peers) > 0:
		return fmt.Errorf("the relay at %s has not subscribed to %q", p.Addr(), topic)
	case p.trouble != nil:
		return fmt.Errorf("no relay answers at %s: %w", p.Addr(), p.trouble)
	}
	return fmt.Errorf("no relay answers at %s", p.Addr())
}

// Flush waits until every peer has taken all that was queued for it. A peer proves it by answering a PING sent after the
// last message; one that answers none within Linger (libzmq before 4.2) is taken at the network's word. An error says
// that a peer was lost with messages queued, or that ctx ended.
func (p *Publisher) Flush(ctx context.Context) error {
	p.mu.Lock()
	peers := slices.Clone(p.peers)
	p.mu.Unlock()
	if len(peers) == 0 && p.listener == nil {
		return fmt.Errorf("hand messages over: the relay at %s is gone", p.Addr())
	}
	for _, q := range peers {
		if err := q.flush(ctx, p.config.Linger); err != nil {
			return fmt.Errorf("hand messages over: %w", err)
		}
	}
	if lost := p.Stats().Dropped; lost > 0 {
		return fmt.Errorf("hand messages over: %d were dropped", lost)
	}
	return nil
}

// Stats gives a snapshot; safe at any time.
func (p *Publisher) Stats() PublisherStats {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.counts
	s.Peers = len(p.peers)
	return s
}

var errTooMany = errors.New("too many peers")

// join adds a peer that has done its handshake.
func (p *Publisher) join(q *peer) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.peers) >= p.config.Peers {
		return errTooMany
	}
	p.peers = append(p.peers, q)
	p.announce()
	return nil
}

// leave takes a peer out; what it had not yet taken is lost.
func (p *Publisher) leave(q *peer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := slices.Index(p.peers, q); i >= 0 {
		p.peers = slices.Delete(p.peers, i, i+1)
		p.counts.Dropped += q.left()
		p.announce()
	}
}

// wake is announce for who does not hold p.mu.
func (p *Publisher) wake() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.announce()
}

// announce wakes those that wait for a change; p.mu is held.
func (p *Publisher) announce() {
	close(p.changed)
	p.changed = make(chan struct{})
}
