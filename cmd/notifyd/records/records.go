// Package records shows what the history keeps, for `notifyd history`: datanommer's dump, stats and latest.
//
// Whatever goes through many messages reads them in windows, in the order of time, so memory does not grow with the
// history, and no snapshot of the database is held for longer than one window. What is selected is what was there at
// the beginning: ids go up as messages are stored, and nothing above history.Store.Settled is taken.
package records

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/notifyd/notifyd/cmd/notifyd/tail"
	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/web/datagrepper"
)

// A Query says which messages are wanted.
type Query struct {
	history.Selection
	Contains []string // texts of which the content has one; as datagrepper's contains
	Limit    int      // 0: all
}

// each calls visit with the messages that are wanted, with their names, until it has an error. It returns their number
// and the last of them.
func (q Query) each(ctx context.Context, store *history.Store, visit func(history.Selected) error) (n int,
	last history.Record, err error) {
	contains := datagrepper.Containing(q.Contains)
	window := make([]history.Record, 0, 100)
	bytes := 0
	flush := func() error {
		selected, err := store.SelectedOf(ctx, window)
		if err != nil {
			return err
		}
		for _, s := range selected {
			if err := visit(s); err != nil {
				return err
			}
			n, last = n+1, s.Record
			last.Payload = nil
		}
		window, bytes = window[:0], 0
		return nil
	}
	var wrong error
	err = store.Walk(ctx, q.Selection, func(r history.Record) bool {
		if ctx.Err() != nil {
			return false
		}
		if len(q.Contains) > 0 && !contains(ctx, r) {
			return true
		}
		window, bytes = append(window, r), bytes+len(r.Payload)
		enough := q.Limit > 0 && n+len(window) == q.Limit
		if enough || len(window) == cap(window) || bytes > maxWindow {
			wrong = flush()
		}
		return wrong == nil && !enough
	})
	switch {
	case wrong != nil:
		err = wrong
	case err == nil && ctx.Err() != nil:
		err = context.Cause(ctx)
	case err == nil:
		err = flush()
	}
	return n, last, err
}

// maxWindow bounds the bytes of messages that are held at once, where it is more than one message.
const maxWindow = 4 << 20

// A Printer writes one message.
type Printer func(w io.Writer, s history.Selected) error

// List prints the messages that are wanted, and returns their number.
func List(ctx context.Context, store *history.Store, q Query, w io.Writer, print Printer) (int, error) {
	n, _, err := q.each(ctx, store, func(s history.Selected) error { return print(w, s) })
	return n, err
}

// Terse prints one line for people, as `tail --terse` does: title -- summary link, in the words of the reception.
func Terse(w io.Writer, s history.Selected) error {
	_, err := fmt.Fprintln(w, sentence(s.Record))
	return err
}

// Line prints Terse behind the time and the id.
func Line(w io.Writer, s history.Selected) error {
	_, err := fmt.Fprintf(w, "%s  %s  %s\n", s.Time.Format(time.RFC3339), oneLine(s.MsgID), sentence(s.Record))
	return err
}

func sentence(r history.Record) string {
	mark := ""
	if !r.Standing.Proved() && r.Standing.Marked {
		mark = "[" + r.Standing.Verdict.Words() + "] "
	}
	return oneLine(mark + r.Title + " -- " + r.Summary + " " + r.Link)
}

// oneLine makes a text of somebody else harmless on a terminal.
func oneLine(text string) string {
	return tail.Visible(strings.TrimRight(strings.ReplaceAll(text, "\n", " "), " "))
}
