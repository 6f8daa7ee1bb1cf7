package zmq

import (
	"context"
	"fmt"
	"slices"
)

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

// Flush waits until every peer has taken all that was queued for it. A peer proves it by answering a PING sent after
// the last message; one that answers none within Linger (libzmq before 4.2) is taken at the network's word. An error
// says that a peer was lost with messages queued, or that ctx ended.
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
