// Package archive asks what was sent before a command listened: the history of a notifyd, or a datagrepper.
//
//	since, err := archive.Since("2h", now)
//	a, closed, err := archive.Open(ctx, file, "notifyd tail", since, now)
//	defer closed()
//	err = a.Each(ctx, since, now(), wanted, take)
package archive

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/history/readers"
)

// An Archive knows what was sent while nobody listened.
type Archive interface {
	// Each calls take with the messages of a time, the oldest first, and ends with its first error. wanted is asked
	// before, so that the others need not be kept.
	Each(ctx context.Context, since, until time.Time, wanted func(*bus.Message) bool,
		take func(*bus.Message) error) error
}

// A History is the Archive of a notifyd beside this process: its database.
type History struct{ Store *history.Store }

// maxMissed bounds the ids of the messages that are wanted of a time. Of more only the newest are given.
const maxMissed = 1_000_000

// Each reads the time twice: the newest first, as the history gives them, to learn the ids of those that are wanted,
// and then these one by one.
func (h History) Each(ctx context.Context, since, until time.Time, wanted func(*bus.Message) bool,
	take func(*bus.Message) error) error {
	var ids []string
	q := history.Query{Since: since, Until: until}
	for more := true; more && len(ids) < maxMissed; more = q.Before != 0 {
		page, err := h.Store.Search(ctx, q)
		if err != nil {
			return err
		}
		for _, r := range page.Records {
			if m, err := r.Message(); err == nil && wanted(m) {
				ids = append(ids, r.MsgID)
			}
		}
		q.Before = page.Next
	}
	for _, id := range slices.Backward(ids) {
		r, err := h.Store.Get(ctx, id, readers.Sources{})
		if errors.Is(err, history.ErrNotFound) {
			continue // pruned meanwhile
		}
		if err != nil {
			return err
		}
		m, err := r.Message()
		if err != nil {
			continue // it was one
		}
		if err := take(m); err != nil {
			return err
		}
	}
	return nil
}

// A Datagrepper is an Archive that is asked over HTTP: a bus/backlog.Datagrepper.
type Datagrepper struct {
	Fetcher interface {
		Fetch(ctx context.Context, h bus.Hole, page func(bus.Page) error) error
	}
	Now func() time.Time
}

// Each asks for the time, which comes in pages with the oldest first.
func (d Datagrepper) Each(ctx context.Context, since, until time.Time, wanted func(*bus.Message) bool,
	take func(*bus.Message) error) error {
	err := d.Fetcher.Fetch(ctx, bus.Hole{Since: since, Until: until}, func(p bus.Page) error {
		for _, f := range p.Frames {
			m, err := bus.Decode(f, d.Now())
			if err != nil || !wanted(m) {
				continue
			}
			if err := take(m); err != nil {
				return err
			}
		}
		return nil
	})
	if errors.Is(err, bus.ErrTooEarly) { // the rest comes by the next look
		return nil
	}
	return err
}
