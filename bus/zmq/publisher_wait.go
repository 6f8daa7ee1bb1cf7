package zmq

import (
	"context"
	"fmt"
	"slices"
)

// WaitSubscribed waits until a peer has subscribed to topic: ZeroMQ loses what is published before. When ctx ends
// first, the error says what was missing.
func (p *Publisher) WaitSubscribed(ctx context.Context, topic string) error {
	for {
		p.mu.Lock()
		changed := p.changed
		found := slices.ContainsFunc(p.peers, func(q *peer) bool { return q.subscribedTo(topic) })
		p.mu.Unlock()
		if found {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return p.whyUnsubscribed(topic)
		}
	}
}

// whyUnsubscribed is the error where nobody has subscribed to topic.
func (p *Publisher) whyUnsubscribed(topic string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.listener != nil:
		return fmt.Errorf("no subscriber came to %s", p.Addr())
	case len(p.peers) > 0:
		return fmt.Errorf("the relay at %s has not subscribed to %q", p.Addr(), topic)
	case p.lastError != nil:
		return fmt.Errorf("no relay answers at %s: %w", p.Addr(), p.lastError)
	}
	return fmt.Errorf("no relay answers at %s", p.Addr())
}

// Flush waits until every peer has read all that was queued for it. A peer shows that by its answer to a PING after the
// last message. A peer that answers none within Linger (libzmq before 4.2) is believed to have read what the network
// has taken. An error means that a peer was lost with messages queued, or that ctx ended.
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
