package backlog

import (
	"context"
	"fmt"
	"time"

	"github.com/notifyd/notifyd/bus"
)

const (
	closedSaid    = time.Minute // the time in which maxClosedSaid holes have a line of the log of their own
	maxClosedSaid = 10
)

// A closed is what the log says of holes that are closed: what is too much for it is summed up.
type closed struct {
	since                  time.Time // the begin of the minute
	lines                  int       // in this minute
	holes, filled, missing int64     // that no line has named
}

// tooMany notes a hole, and reports whether it gets no line of its own.
func (c *closed) tooMany(now time.Time, h bus.Hole, a *attempt) bool {
	if now.Sub(c.since) >= closedSaid {
		c.since, c.lines = now, 0
	}
	if c.lines < maxClosedSaid {
		c.lines++
		return false
	}
	c.holes++
	c.filled += a.filled
	c.missing += h.Missing
	return true
}

// sum logs what had no line of its own, once the minute is over, or now.
func (f *Filler) sum(now bool) {
	c := &f.closed
	if c.holes == 0 || !now && f.Now().Sub(c.since) < closedSaid {
		return
	}
	f.Log.Warn(fmt.Sprintf("filled %d messages in %d more holes, %d remain missing", c.filled, c.holes, c.missing),
		"source", f.Source)
	c.holes, c.filled, c.missing = 0, 0, 0
}

// close ends a hole, and says what has become of it.
func (f *Filler) close(ctx context.Context, asked bus.Hole, a *attempt, why error) {
	h, ok, err := f.Holes.Close(ctx, asked)
	if err != nil || !ok {
		f.again(a, err)
		return
	}
	var others int64
	if !h.Unbounded() {
		others, a.filled = a.filled, h.Last-h.First+1-h.Missing
		others = max(0, others-a.filled)
	}
	if f.closed.tooMany(f.Now(), h, a) {
		return
	}
	since := a.since.Format(time.TimeOnly)
	more := []any{"source", f.Source, "since", a.since, "until", h.Until, "filled", a.filled, "missing", h.Missing}
	if others > 0 { // the answers held them as well: another hole of that time lacks them no more
		more = append(more, "others", others)
	}
	switch {
	case why != nil && h.Unbounded():
		f.Log.Error("gave up: messages may be missing since "+since, append(more, "error", why)...)
	case why != nil:
		f.Log.Error(fmt.Sprintf("gave up: %d messages are missing since %s", h.Missing, since), append(more, "error", why)...)
	case h.Missing > 0:
		f.Log.Warn(fmt.Sprintf("filled %d messages since %s, %d remain missing", a.filled, since, h.Missing), more...)
	case h.Unbounded(): // how many were missing nobody knows
		f.Log.Info(fmt.Sprintf("filled %d messages since %s, there are no more", a.filled, since), more...)
	default:
		f.Log.Info(fmt.Sprintf("filled %d messages since %s, none is missing", a.filled, since), more...)
	}
}
