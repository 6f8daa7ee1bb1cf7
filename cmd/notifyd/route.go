package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/directory"
	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// maxBatch is how many messages one transaction carries at most. Under load a batch fills by itself while the last one
// is written; without load a message is a batch of one and waits for nothing.
const maxBatch = 256

// A router takes frames from the buses to the outbox. It runs in one goroutine, which owns all of its fields.
type router struct {
	db        *gorm.DB
	prefs     *prefs.Store
	history   *history.Store
	outbox    *outbox.Outbox
	catalogue *catalogue.Catalogue
	directory func() *directory.Snapshot
	links     *prefs.Links
	metrics   *metrics
	now       func() time.Time
	log       *slog.Logger

	recent *bus.Recent
	book   *book
}

// run routes frames until the channel is closed and everything in it is committed, or until ctx ends. A batch that the
// database does not take is tried again for ever: the bus will not say it again.
func (r *router) run(ctx context.Context, frames <-chan bus.Frame) error {
	for {
		batch, open := nextBatch(ctx, frames)
		if len(batch) > 0 {
			if err := r.persist(ctx, batch); err != nil {
				return fmt.Errorf("route messages: %w", err)
			}
		}
		if !open || ctx.Err() != nil {
			return nil
		}
	}
}

// nextBatch waits for one frame and takes what else is there already.
func nextBatch(ctx context.Context, frames <-chan bus.Frame) (batch []bus.Frame, open bool) {
	select {
	case <-ctx.Done():
		return nil, false
	case f, ok := <-frames:
		if !ok {
			return nil, false
		}
		batch = append(batch, f)
	}
	for len(batch) < maxBatch {
		select {
		case f, ok := <-frames:
			if !ok {
				return batch, false
			}
			batch = append(batch, f)
		default:
			return batch, true
		}
	}
	return batch, true
}

// persist routes a batch, waiting and trying again while the database refuses, and then acknowledges it.
func (r *router) persist(ctx context.Context, frames []bus.Frame) error {
	events := r.describe(frames)
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 10*time.Second) {
		err := r.route(ctx, events)
		if err == nil {
			break
		}
		r.metrics.routeErrors.Inc()
		r.log.Error("cannot store messages; trying again", "messages", len(events), "wait", wait, "error", err)
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(wait):
		}
	}
	for _, f := range frames {
		if f.Ack != nil {
			f.Ack()
		}
	}
	return nil
}

// describe decodes frames and says what they mean; what is no message, or was seen just now, is counted and left out.
func (r *router) describe(frames []bus.Frame) []*catalogue.Event {
	var events []*catalogue.Event
	for _, f := range frames {
		m, err := bus.Decode(f, r.now())
		if err != nil {
			r.metrics.reject(f.Source, "malformed")
			r.log.Warn("dropped a frame that is no message", "source", f.Source, "topic", f.Topic, "error", err)
			continue
		}
		if r.recent.Seen(m.ID) {
			r.metrics.reject(f.Source, "duplicate")
			continue
		}
		events = append(events, r.catalogue.Describe(m))
	}
	return events
}

// route is the whole flow: one transaction carries a batch into history and outbox.
func (r *router) route(ctx context.Context, events []*catalogue.Event) error {
	if len(events) == 0 {
		return nil
	}
	owed := 0
	err := r.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := r.refresh(ctx, tx); err != nil {
			return err
		}
		added, err := r.history.Append(tx, events)
		if err != nil {
			return fmt.Errorf("append to history: %w", err)
		}
		dir := r.directory()
		burnt := map[rulespec.FilterID]bool{} // one-shots that this transaction has switched off
		for i, e := range events {
			if !added[i] {
				continue // the database knows it already: its deliveries are there too
			}
			hits, err := r.hits(tx, e, dir, burnt)
			if err != nil {
				return err
			}
			deliveries := prefs.Plan(e, hits, r.now(), r.links)
			n, err := r.outbox.Add(tx, deliveries)
			if err != nil {
				return fmt.Errorf("add to outbox: %w", err)
			}
			owed += n
		}
		return nil
	})
	if err != nil {
		return err
	}
	r.metrics.routed(events, owed)
	if owed > 0 {
		r.outbox.Wake()
	}
	return nil
}

// hits gives the subscriptions that e matches. A one-shot counts only for who switches it off: once, on any node.
func (r *router) hits(tx *gorm.DB, e *catalogue.Event, dir *directory.Snapshot, burnt map[rulespec.FilterID]bool) ([]prefs.Subscription, error) {
	start := r.now()
	ids := r.book.matcher.Match(e, asDirectory(dir))
	r.metrics.matchSeconds.Observe(r.now().Sub(start).Seconds())
	var hits []prefs.Subscription
	var once []rulespec.FilterID
	for _, id := range ids {
		s := r.book.subscriptions[id]
		if s.Filter.OneShot {
			once = append(once, id)
			continue
		}
		hits = append(hits, s)
	}
	if len(once) == 0 {
		return hits, nil
	}
	switched, err := r.prefs.SwitchOffOneShots(tx, once)
	if err != nil {
		return nil, fmt.Errorf("switch off one-shot filters: %w", err)
	}
	for _, id := range switched {
		if !burnt[id] {
			burnt[id] = true
			hits = append(hits, r.book.subscriptions[id])
		}
	}
	return hits, nil
}
