package history

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/history/readers"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// A Visitor sees messages, the newest first. One goroutine at a time calls it.
type Visitor interface {
	// Keys returns values by field, as Filter.Keys does: only messages that have one of them are visited.
	Keys(fields ...string) map[string][]string
	// Names sees a message by its names: Topic, Time, App, Kind, Actor, Users, Packages and Severity, and Verdict, Signer
	// and Marked of its Standing. The event is reused after the call. whole: it wants to see all of it.
	Names(e *catalogue.Event) (whole bool)
	// Whole sees a message as it was when it arrived. named says that Names has seen it. A message whose names are not
	// stored is seen by Whole alone. An error ends the visit.
	Whole(e *catalogue.Event, named bool) error
}

// A VisitQuery says what a Visit reads.
type VisitQuery struct {
	Since, Until time.Time // Since inclusive, Until exclusive
	Among        readers.Sources
	Most         int                                 // visit no more than this many; 0: no bound
	Describe     func(*bus.Message) *catalogue.Event // as in ScanQuery
}

// Visit shows the messages that were sent in a time to v. It reads a window of messages in each statement, and between
// two it holds no snapshot; its memory does not depend on how many there are. all is false when q.Most were visited and
// there are more.
func (s *Store) Visit(ctx context.Context, q VisitQuery, v Visitor) (all bool, err error) {
	w := &visiting{VisitQuery: q, visitor: v, scanner: scanner{store: s, facts: newFacts(), keys: v.Keys(keyFields...)}}
	w.scanner.Since, w.scanner.Among, w.last = q.Since, q.Among, Cursor{SentAt: q.Until.UnixMicro()}
	if w.keys != nil && len(w.keys) == 0 {
		return true, nil
	}
	left := q.Most
	for size := leastWindow; ; size = min(2*size, mostWindow) {
		if q.Most > 0 {
			size = min(size, left)
		}
		if size == 0 {
			return false, nil
		}
		open, n, err := w.names(ctx, size)
		if err == nil {
			err = w.whole(ctx, open)
		}
		if err != nil {
			return false, fmt.Errorf("visit history: %w", err)
		}
		if n < size {
			return true, nil
		}
		left -= n
	}
}

// A visiting is one Visit under way.
type visiting struct {
	scanner
	VisitQuery
	visitor Visitor
}

// An unread is a message that must be read whole; event is what its names say, nil where they are not stored.
type unread struct {
	id    int64
	event *catalogue.Event
	named bool
}

// names reads the names of the next messages, and gives those that must be read whole.
func (w *visiting) names(ctx context.Context, size int) (open []unread, n int, err error) {
	statement, args := w.statement(size)
	rows, err := w.store.reader.WithContext(ctx).Raw(statement, args...).Rows()
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	var packed sql.RawBytes
	for ; rows.Next(); n++ {
		if err := rows.Scan(&w.last.SentAt, &w.last.ID, &packed); err != nil {
			return nil, n, err
		}
		if !w.facts.unpack(packed) {
			open = append(open, unread{id: w.last.ID})
			continue
		}
		w.facts.event.Time = time.UnixMicro(w.last.SentAt).UTC()
		switch {
		case !w.facts.saysMarked:
			open = append(open, unread{id: w.last.ID, event: w.facts.take()})
		case w.visitor.Names(&w.facts.event):
			open = append(open, unread{id: w.last.ID, event: w.facts.take(), named: true})
		}
	}
	return open, n, rows.Err()
}

// whole reads messages whole, some at a time.
func (w *visiting) whole(ctx context.Context, open []unread) error {
	tx := w.store.reader.WithContext(ctx)
	for len(open) > 0 {
		part := open[:min(len(open), wholeAtOnce)]
		open = open[len(part):]
		ids, of := make([]int64, len(part)), make(map[int64]unread, len(part))
		for i, u := range part {
			ids[i], of[u.id] = u.id, u
		}
		chunks, err := parts(tx, ids)
		if err != nil {
			return err
		}
		for _, chunk := range chunks {
			records, err := load(tx, chunk)
			if err != nil {
				return err
			}
			for _, r := range records {
				if err := w.show(of[r.ID], r); err != nil {
					return err
				}
			}
		}
	}
	return ctx.Err()
}

// show shows a message that was read whole. One that can no longer be decoded is passed over.
func (w *visiting) show(u unread, r Record) error {
	m, err := r.Message()
	if err != nil {
		return nil
	}
	m.Time = r.Time
	e := u.event
	if e == nil {
		e = w.Describe(m)
	} else {
		e.Message = m
		e.SetProse(catalogue.Prose{Summary: r.Summary, Link: r.Link})
	}
	return w.visitor.Whole(e, u.named)
}
