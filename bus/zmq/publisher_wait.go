package zmq

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// WaitSubscribed waits until a peer has subscribed to topic: ZeroMQ loses what is published before. When ctx ends
// first, the error says what was missing.
func (p *Publisher) WaitSubscribed(ctx context.Context, topic string) error {
	_, err := p.WaitSettled(ctx, topic, 1, 0)
	return err
}

// WaitSettled waits for all that will subscribe to topic, and gives their number. It waits until n have; or, where n is
// 0, until for a time of quiet no other has, and for twice that time at least, in which subscribers that have looked
// for the address before must try again. When ctx ends first and nobody has, or fewer than n, the error says so.
func (p *Publisher) WaitSettled(ctx context.Context, topic string, n int, quiet time.Duration) (int, error) {
	have, settled := 0, time.Now().Add(2*quiet)
	for {
		p.mu.Lock()
		changed := p.changed
		before := have
		have = p.subscribersLocked(topic)
		p.mu.Unlock()
		if at := time.Now().Add(quiet); have > before && at.After(settled) {
			settled = at
		}
		var over <-chan time.Time
		switch left := time.Until(settled); {
		case n > 0 && have >= n, n == 0 && have > 0 && left <= 0:
			return have, nil
		case n == 0 && have > 0:
			over = time.After(left)
		}
		select {
		case <-changed:
		case <-over:
		case <-ctx.Done():
			switch {
			case have == 0:
				return 0, p.whyUnsubscribed(topic)
			case n > 0:
				return have, fmt.Errorf("only %d of %d subscribers came to %s", have, n, p.Addr())
			}
			return have, nil
		}
	}
}

// subscribersLocked counts the peers that have subscribed to topic.
func (p *Publisher) subscribersLocked(topic string) int {
	n := 0
	for _, q := range p.peers {
		if q.subscribedTo(topic) {
			n++
		}
	}
	return n
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
// has taken. An error means that a peer was lost with messages queued since the last Flush, or that ctx ended.
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
	p.mu.Lock()
	defer p.mu.Unlock()
	lost := p.counts.Dropped - p.told
	if p.told = p.counts.Dropped; lost > 0 {
		return fmt.Errorf("hand messages over: %d were dropped", lost)
	}
	return nil
}
