package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
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
	meaning   *meaning
	directory func() *directory.Snapshot
	links     *prefs.Links
	metrics   *metrics
	now       func() time.Time
	log       *slog.Logger

	recent *bus.Recent
	book   *book
	silent map[string]silence // by source: what was not said of malformed frames
}

// silence is how many malformed frames came since they were last spoken of.
type silence struct {
	at    time.Time
	count int
}

// run routes frames until the channel is closed and everything in it is committed, or until ctx ends. A batch that the
// database does not take is tried again for ever: the bus will not say it again. Where ctx ends with frames that are not
// committed, the error says how many.
func (r *router) run(ctx context.Context, frames <-chan bus.Frame) error {
	for {
		batch, open := nextBatch(ctx, frames)
		if len(batch) > 0 {
			if err := r.persist(ctx, batch); err != nil {
				return fmt.Errorf("%d received messages are lost, the database did not take them in time: %w", len(batch)+len(frames), err)
			}
		}
		if ctx.Err() != nil && len(frames) > 0 {
			return fmt.Errorf("%d received messages are lost, there was no time to store them: %w", len(frames), ctx.Err())
		}
		if !open {
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

// persist routes a batch, waiting and trying again while the database refuses, and then tells the sources.
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
		f.Done()
	}
	return nil
}

// describe decodes frames and says what they mean; what is no message, or was seen just now, is counted and left out.
func (r *router) describe(frames []bus.Frame) []*catalogue.Event {
	var events []*catalogue.Event
	meaning := r.meaning.load()
	for _, f := range frames {
		m, err := bus.Decode(f, r.now())
		if err != nil {
			r.malformed(f, err)
			continue
		}
		if r.recent.Seen(m.ID) {
			r.metrics.reject(f.Source, "duplicate")
			continue
		}
		events = append(events, meaning.Describe(m))
	}
	return events
}

// malformedLogged is how often a source's frames that are no messages are spoken of; the metrics count them all.
const malformedLogged = time.Minute

// malformed counts a frame that is no message, and logs one a minute and source with the number since the last.
func (r *router) malformed(f bus.Frame, err error) {
	r.metrics.reject(f.Source, "malformed")
	now, last := r.now(), r.silent[f.Source]
	last.count++
	if now.Sub(last.at) >= malformedLogged {
		r.log.Warn("dropped what is no message", "source", f.Source, "topic", f.Topic, "frames", last.count, "error", err)
		last = silence{at: now}
	}
	r.silent[f.Source] = last
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
		hits, err := r.hits(tx, events, added)
		if err != nil {
			return err
		}
		var deliveries []outbox.Delivery
		for i, e := range events {
			deliveries = append(deliveries, prefs.Plan(e, hits[i], r.now(), r.links)...)
		}
		if owed, err = r.outbox.Add(tx, deliveries); err != nil {
			return fmt.Errorf("add to outbox: %w", err)
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

// hits gives the subscriptions that each event matches; none for an event that was not added, since its deliveries are in
// the database already. A one-shot hits the first event of the batch only, and only for who switches it off: once, on
// any node. That comes before anything else is locked, so that nodes cannot wait for each other.
func (r *router) hits(tx *gorm.DB, events []*catalogue.Event, added []bool) ([][]prefs.Subscription, error) {
	ids := r.match(events, added)
	var once []rulespec.FilterID
	for _, matched := range ids {
		for _, id := range matched {
			if r.book.subscriptions[id].Filter.OneShot && !slices.Contains(once, id) {
				once = append(once, id)
			}
		}
	}
	switched, err := r.prefs.SwitchOffOneShots(tx, once)
	if err != nil {
		return nil, fmt.Errorf("switch off one-shot filters: %w", err)
	}
	hits := make([][]prefs.Subscription, len(events))
	for i, matched := range ids {
		for _, id := range matched {
			s := r.book.subscriptions[id]
			if s.Filter.OneShot {
				at := slices.Index(switched, id)
				if at < 0 {
					continue
				}
				switched = slices.Delete(switched, at, at+1)
			}
			hits[i] = append(hits[i], s)
		}
	}
	return hits, nil
}

// match asks the matcher about the events that were added.
func (r *router) match(events []*catalogue.Event, added []bool) [][]rulespec.FilterID {
	dir := asDirectory(r.directory())
	ids := make([][]rulespec.FilterID, len(events))
	for i, e := range events {
		if added[i] {
			start := r.now()
			ids[i] = r.book.matcher.Match(e, dir)
			r.metrics.matchSeconds.Observe(r.now().Sub(start).Seconds())
		}
	}
	return ids
}
