package zmq

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/notifyd/notifyd/bus"
)

// PublisherConfig bounds a Publisher. The zero value of a field means its default.
type PublisherConfig struct {
	Queue    int           // messages a peer may be behind; default 1000
	Bytes    int64         // bytes a peer may be behind; default 64 MiB
	Total    int64         // bytes all peers together may be behind; default 512 MiB
	Peers    int           // peers at once; default 1000
	Prefixes int           // subscriptions of one peer; default 1000
	Timeout  time.Duration // for dialling and the handshake; default 10s
	Stall    time.Duration // for a peer that takes nothing, as one that is stopped or waits itself; default 10m
	Linger   time.Duration // for a peer to take what is queued when Run ends; default 1s
}

// PublisherStats is a snapshot of a Publisher's figures.
type PublisherStats struct {
	Peers     int    // connected now
	Published uint64 // messages given to Publish
	Queued    uint64 // messages put into some peer's queue
	Dropped   uint64 // messages that found a peer's queue full, or were in it when the peer was lost
	Lost      uint64 // of these, the latter
	Refused   uint64 // connections that failed: no handshake in time, a bound broken, or the connection lost
}

func (c PublisherConfig) withDefaults() PublisherConfig {
	c.Queue = orDefault(c.Queue, 1000)
	c.Bytes = orDefault(c.Bytes, 64<<20)
	c.Total = orDefault(c.Total, 512<<20)
	c.Peers = orDefault(c.Peers, 1000)
	c.Prefixes = orDefault(c.Prefixes, 1000)
	c.Timeout = orDefault(c.Timeout, 10*time.Second)
	c.Stall = orDefault(c.Stall, 10*time.Minute)
	c.Linger = orDefault(c.Linger, time.Second)
	return c
}

func orDefault[T int | int64 | time.Duration](v, d T) T {
	if v <= 0 {
		return d
	}
	return v
}

// A Publisher sends messages to subscribers: to those that connect to it (Bind), or to a relay that it connects to
// (Connect). Each peer has a bounded queue of its own, so that one which does not read delays no other. It loses
// messages once its queue is full, and is cut off after Stall: it may be a Source that has no room for a while.
type Publisher struct {
	config   PublisherConfig
	log      *slog.Logger
	now      func() time.Time
	listener net.Listener // nil: the publisher connects
	relay    address
	held     atomic.Int64 // bytes in the queues of all peers

	mu        sync.Mutex
	peers     []*peer
	wanted    subscriptions
	losers    map[string]uint64 // by peer that is gone: what it lost and no report has said; at most maxLosers
	changed   chan struct{}     // closed and renewed when a peer comes, goes or subscribes
	lastError error             // by which the relay was not reached last
	counts    PublisherStats
	told      uint64 // of counts.Dropped: what Flush has said
}

// Bind makes a Publisher that listens at addr: tcp://host:port or ipc://path. Port 0 is a free one. The host * is
// loopback only; 0.0.0.0 is every interface. It serves once Run is called.
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

// Connect makes a Publisher that Run connects to the relay at addr, a SUB socket that listens.
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
	return &Publisher{
		config: c.withDefaults(), log: log, now: time.Now, changed: make(chan struct{}),
		wanted: newSubscriptions(), losers: map[string]uint64{},
	}
}

// Addr is the address at which the Publisher listens or to which it connects, in ZeroMQ's form.
func (p *Publisher) Addr() string {
	if p.listener == nil {
		return p.relay.String()
	}
	a := p.listener.Addr()
	return address{a.Network(), a.String()}.String()
}

// Close closes the socket of a Publisher that is not run. One that is, or that connects, has nothing to close.
func (p *Publisher) Close() error {
	if p.listener == nil {
		return nil
	}
	if err := p.listener.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// Run serves peers until ctx ends. Then each peer has Linger to read what is queued; Run returns when all are gone.
func (p *Publisher) Run(ctx context.Context) error {
	if p.listener == nil {
		p.connect(ctx)
		return nil
	}
	a := acceptor{
		listener: p.listener, door: newDoor(2*p.config.Peers, p.config.Peers), // one in its handshake is no peer yet
		log: p.log, serve: p.serve, refused: p.countRefused,
	}
	return a.run(ctx)
}

// Publish queues a message for every peer that has subscribed to its topic, and gives how many peers that are. It never
// waits. The payload must not change afterwards.
func (p *Publisher) Publish(topic string, payload []byte) (int, error) {
	if err := bus.CheckTopic(topic); err != nil {
		return 0, err
	}
	if len(payload) > bus.MaxPayload {
		return 0, fmt.Errorf("payload of %d bytes, at most %d are sent", len(payload), bus.MaxPayload)
	}
	wire := &parcel{wire: encodeMessage(topic, payload), count: 1}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.counts.Published++
	n := 0
	p.wanted.each(topic, func(peer *peer) {
		if peer.seen == p.counts.Published {
			return // another of its prefixes
		}
		peer.seen = p.counts.Published
		n += p.give(peer, wire)
	})
	return n, nil
}

// give queues a message for a peer, or counts that it has no room, and gives how many peers it was queued for. The
// caller holds p.mu.
func (p *Publisher) give(peer *peer, wire *parcel) int {
	if !peer.queue.put(wire) {
		p.counts.Dropped++
		peer.lost++
		return 0
	}
	p.counts.Queued++
	return 1
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

// addPeer adds a peer whose handshake is done.
func (p *Publisher) addPeer(q *peer) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.peers) >= p.config.Peers {
		return errTooMany
	}
	p.peers = append(p.peers, q)
	p.notifyLocked()
	return nil
}

// removePeer removes a peer. What it has not read is lost, and counted.
func (p *Publisher) removePeer(q *peer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := slices.Index(p.peers, q); i >= 0 {
		p.peers = slices.Delete(p.peers, i, i+1)
		p.wanted.removePeer(q)
		lost := q.queue.lose()
		p.counts.Dropped += lost
		p.counts.Lost += lost
		if n := q.lost + lost; n > 0 && len(p.losers) < maxLosers {
			p.losers[q.name] += n
		}
		p.notifyLocked()
	}
}

// notifyLocked wakes those that wait for a change. The caller holds p.mu.
func (p *Publisher) notifyLocked() {
	close(p.changed)
	p.changed = make(chan struct{})
}
