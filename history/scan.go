package history

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// Scan evaluates a filter on the messages sent since q.Since, the newest first. It stops after the last of them,
// after q.Most messages, or at q.Until; then it returns the matches so far and how far it came. It does the same at
// the deadline of ctx, which is for a statement that does not end: PostgreSQL loses the connection then. Scan returns
// an error when ctx was cancelled.
//
// It reads one window of messages in each statement. Between two statements it holds neither a snapshot nor the
// writer, and it uses one connection at most.
func (s *Store) Scan(ctx context.Context, q ScanQuery) (ScanResult, error) {
	w := &scanner{ScanQuery: q, store: s, facts: newFacts(), last: q.Before, day: len(q.Days) - 1}
	w.keys = q.Filter.Keys(keyFields...)
	w.out.PerDay, w.out.ByKeys = make([]int, len(q.Days)), w.keys != nil
	err := w.run(ctx)
	if err != nil && !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return ScanResult{}, fmt.Errorf("scan history: %w", err)
	}
	// The matches found are returned even when the time of ctx was used up in finding them.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if err := w.finish(ctx); err != nil {
		return ScanResult{}, fmt.Errorf("scan history: %w", err)
	}
	return w.out, nil
}

// The bounds on one statement of a Scan. The windows grow, so that rare matches come at once and frequent ones do not
// cost a statement for every few messages.
const (
	leastWindow = 500
	mostWindow  = 8000
	wholeAtOnce = 100 // messages that one statement reads whole
	grace       = time.Second
)

// A scanner is one Scan under way.
type scanner struct {
	ScanQuery
	keys  map[string][]string
	store *Store
	facts *facts
	out   ScanResult
	last  Cursor // the last message that was examined
	day   int    // of Days: that of last
}

// A candidate is a message that was examined.
type candidate struct {
	Cursor
	matches bool
	open    bool             // its names match or are not stored: the whole message must decide
	named   bool             // its names are stored, and match
	event   *catalogue.Event // of one that matches, for a Hit
}

func (w *scanner) run(ctx context.Context) error {
	if w.keys != nil && len(w.keys) == 0 {
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
		decided, wrong := w.decide(ctx, seen)
		switch {
		case err != nil || wrong != nil:
			return errors.Join(err, wrong)
		case !all || !decided:
			return nil
		case len(seen) < size:
			w.out.End = true
			return nil
		}
	}
}

// over reports whether the time limit of the scan has passed.
func (w *scanner) over() bool { return !w.Until.IsZero() && !w.store.now().Before(w.Until) }

// decide decides on the messages of a window and counts them, in their order. It returns false when the time limit
// passed before the last.
func (w *scanner) decide(ctx context.Context, seen []candidate) (all bool, err error) {
	for len(seen) > 0 {
		part, open := cut(seen)
		if open > 0 {
			if w.out.Looked > 0 && w.over() { // examine some messages always, or the next query would get no further
				known := slices.IndexFunc(part, func(c candidate) bool { return c.open })
				w.countAll(part[:known])
				return false, nil
			}
			if err := w.readWhole(ctx, part); err != nil {
				return false, err
			}
		}
		w.countAll(part)
		seen = seen[len(part):]
	}
	return true, nil
}

// cut returns the first of seen, as many as one statement reads whole.
func cut(seen []candidate) (part []candidate, open int) {
	for i := range seen {
		if seen[i].open {
			open++
		}
		if open == wholeAtOnce {
			return seen[:i+1], open
		}
	}
	return seen, open
}

func (w *scanner) countAll(part []candidate) {
	for i := range part {
		w.count(&part[i])
	}
}

func (w *scanner) count(c *candidate) {
	w.out.Looked++
	w.last = c.Cursor
	if !c.matches {
		return
	}
	w.out.Matched++
	for w.day > 0 && c.SentAt < w.Days[w.day].UnixMicro() {
		w.day--
	}
	if w.day >= 0 && c.SentAt >= w.Days[w.day].UnixMicro() {
		w.out.PerDay[w.day]++
	}
	if len(w.out.Hits) < w.Hits {
		record := Record{ID: c.ID, Time: time.UnixMicro(c.SentAt)}
		w.out.Hits = append(w.out.Hits, Hit{Record: record, Event: c.event})
	}
}

// oldest gives when the oldest message was sent of those that may be seen; nil: there is none.
func (w *scanner) oldest(db *gorm.DB) (*int64, error) {
	statement := "SELECT min(sent_at) FROM messages"
	seen, args := w.Among.SQL("source")
	if seen != "" {
		statement = "SELECT min(sent_at) FROM (SELECT sent_at FROM messages WHERE " + seen + " ORDER BY sent_at, id LIMIT 1) o"
	}
	var oldest *int64
	err := db.Raw(statement, args...).Scan(&oldest).Error
	return oldest, err
}

// finish reads the hits and sets how far the result goes.
func (w *scanner) finish(ctx context.Context) error {
	db := w.store.reader.WithContext(ctx)
	oldest, err := w.oldest(db)
	if err != nil {
		return err
	}
	w.out.Empty = oldest == nil
	switch {
	case w.out.End && oldest != nil:
		w.out.Reached = time.UnixMicro(max(*oldest, w.Since.UnixMicro()))
	case w.out.End:
		w.out.Reached = w.Since
	case w.last == Cursor{}:
		w.out.Reached = w.store.now()
	default:
		w.out.Reached = time.UnixMicro(w.last.SentAt)
	}
	hits := w.out.Hits
	switch {
	case w.out.Matched > len(hits) && len(hits) > 0:
		w.out.Next = Cursor{hits[len(hits)-1].Time.UnixMicro(), hits[len(hits)-1].ID}
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
	w.out.Hits = slices.DeleteFunc(hits, func(h Hit) bool { // pruned in the meantime
		return !slices.ContainsFunc(records, func(r Record) bool { return r.ID == h.ID })
	})
	for i, r := range records {
		w.out.Hits[i].Record = r
		w.out.Hits[i].Event.ID = r.MsgID
	}
	return nil
}
