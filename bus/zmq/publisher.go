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
