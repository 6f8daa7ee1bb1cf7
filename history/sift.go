package history

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// Sift asks a sieve of what was sent since Since, the newest first, until it has looked at all of it or at Most, or Until
// has come; then it gives what it has, and says how far it came. So it does at the deadline of ctx, which is for a
// statement that does not end: PostgreSQL loses the connection then. A ctx that was cancelled is an error.
//
// It reads a window of messages at a time, each by a statement of its own: neither a snapshot nor the writer is held
// while it goes on, and it has one connection at most.
func (s *Store) Sift(ctx context.Context, v Sieve) (Sifted, error) {
	w := &sifting{Sieve: v, store: s, facts: newFacts(), last: v.Before, day: len(v.Days) - 1}
	w.out.PerDay = make([]int, len(v.Days))
	err := w.run(ctx)
	if err != nil && !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return Sifted{}, fmt.Errorf("sift history: %w", err)
	}
	// What was found is to be shown also when all time was used up for finding it.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if err := w.finish(ctx); err != nil {
		return Sifted{}, fmt.Errorf("sift history: %w", err)
	}
	return w.out, nil
}

// The bounds on one statement of a Sift. The windows grow, so that what is rare comes at once and what is frequent does
// not cost a statement for every few messages.
const (
	leastWindow = 500
	mostWindow  = 8000
	asked       = 100 // messages that one statement reads whole
	grace       = time.Second
)

// A sifting is one Sift under way.
type sifting struct {
	Sieve
	store *Store
	facts *facts
	out   Sifted
	last  Spot // the last message that was looked at
	day   int  // of Days: that of last
}

// A glance is a message that was looked at.
type glance struct {
	Spot
	fits  bool
	ask   bool             // its names fit or are not known: only the whole message tells
	known bool             // its names are known, and fit
	event *catalogue.Event // of one that fits, for a Hit
}

func (w *sifting) run(ctx context.Context) error {
	if w.Keys != nil && len(w.Keys) == 0 {
		w.out.End = true
		return nil
	}
	for size := leastWindow; ; size = min(2*size, mostWindow) {
		if w.Most > 0 {
			size = min(size, w.Most-w.out.Looked)
		}
		if size <= 0 {
			return nil
		}
		seen, all, err := w.window(ctx, size)
		settled, wrong := w.settle(ctx, seen)
		switch {
		case err != nil || wrong != nil:
			return errors.Join(err, wrong)
		case !all || !settled:
			return nil
		case len(seen) < size:
			w.out.End = true
			return nil
		}
	}
}

// over says whether the time for it is.
func (w *sifting) over() bool { return !w.Until.IsZero() && !w.store.now().Before(w.Until) }

// settle decides on the messages of a window and counts them, in their order; false when time was over before the last.
func (w *sifting) settle(ctx context.Context, seen []glance) (all bool, err error) {
	for len(seen) > 0 {
		part, asks := cut(seen)
		if asks > 0 {
			if w.out.Looked > 0 && w.over() { // some are looked at always, or who asks again would get no further
				known := slices.IndexFunc(part, func(g glance) bool { return g.ask })
				w.countAll(part[:known])
				return false, nil
			}
			if err := w.askAll(ctx, part); err != nil {
				return false, err
			}
		}
		w.countAll(part)
		seen = seen[len(part):]
	}
	return true, nil
}

// cut gives the first of seen, as many as one statement asks about.
func cut(seen []glance) (part []glance, asks int) {
	for i := range seen {
		if seen[i].ask {
			asks++
		}
		if asks == asked {
			return seen[:i+1], asks
		}
	}
	return seen, asks
}

func (w *sifting) countAll(part []glance) {
	for i := range part {
		w.count(&part[i])
	}
}

func (w *sifting) count(g *glance) {
	w.out.Looked++
	w.last = g.Spot
	if !g.fits {
		return
	}
	w.out.Matched++
	for w.day > 0 && g.SentAt < w.Days[w.day].UnixMicro() {
		w.day--
	}
	if w.day >= 0 && g.SentAt >= w.Days[w.day].UnixMicro() {
		w.out.PerDay[w.day]++
	}
	if len(w.out.Hits) < w.Hits {
		w.out.Hits = append(w.out.Hits, Hit{Record: Record{ID: g.ID, Time: time.UnixMicro(g.SentAt)}, Event: g.event})
	}
}

// finish reads the hits and says how far the answer goes.
func (w *sifting) finish(ctx context.Context) error {
	db := w.store.reader.WithContext(ctx)
	var oldest *int64
	if err := db.Raw("SELECT min(sent_at) FROM messages").Scan(&oldest).Error; err != nil {
		return err
	}
	w.out.Empty = oldest == nil
	switch {
	case w.out.End && oldest != nil:
		w.out.Reached = time.UnixMicro(max(*oldest, w.Since.UnixMicro()))
	case w.out.End:
		w.out.Reached = w.Since
	case w.last == Spot{}:
		w.out.Reached = w.store.now()
	default:
		w.out.Reached = time.UnixMicro(w.last.SentAt)
	}
	hits := w.out.Hits
	switch {
	case w.out.Matched > len(hits) && len(hits) > 0:
		w.out.Next = Spot{hits[len(hits)-1].Time.UnixMicro(), hits[len(hits)-1].ID}
	case !w.out.End:
		w.out.Next = w.last
	}
	ids := make([]int64, len(hits))
	for i, h := range hits {
		ids[i] = h.ID
	}
	records, err := load(db, ids)
	if err != nil {
		return err
	}
	w.out.Hits = slices.DeleteFunc(hits, func(h Hit) bool { // pruned meanwhile
		return !slices.ContainsFunc(records, func(r Record) bool { return r.ID == h.ID })
	})
	for i, r := range records {
		w.out.Hits[i].Record = r
		w.out.Hits[i].Event.ID = r.MsgID
	}
	return nil
}
