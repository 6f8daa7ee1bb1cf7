package backlog

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/internal/backoff"
)

// Holes are what a source lacks, as somebody keeps them who sees every message. They are safe for concurrent use.
type Holes interface {
	// Wake receives when a hole is opened.
	Wake() <-chan struct{}
	// Open gives the holes that are open, the oldest first.
	Open() []bus.Hole
	// Filling says which archive gives what comes late from now on.
	Filling(archive string)
	// Filled counts the messages that came late and were new.
	Filled() int64
	// Narrow notes, and stores, how far a hole has been asked for.
	Narrow(ctx context.Context, number, next int64, reached time.Time) error
	// Close forgets a hole, as gaps.Finder.Close, and gives it as it stood.
	Close(ctx context.Context, h bus.Hole) (closed bus.Hole, ok bool, err error)
}

// A Filler fills the holes of one source.
type Filler struct {
	Source   string // Frame.Source
	Config   Config
	Archives []bus.Archive // in the order in which they are asked
	Holes    Holes
	Put      func(context.Context, bus.Frame) error // Intake.Put
	Wants    func(topic string) bool                // bus.Selective.Wants; nil: the source receives everything
	Now      func() time.Time
	Random   func() float64
	Log      *slog.Logger

	attempts map[int64]*attempt // by Hole.Number
	paid     time.Time          // questions are paid for up to then
	closed   closed
}

// An attempt is what is known of a hole that was asked for in vain.
type attempt struct {
	since      time.Time // when the hole began, as first seen
	due        time.Time // when to ask again
	failed     int64     // in a row
	incomplete int       // answers without all that is missing
	filled     int64
	said       string // the error that was logged last
}

// maxIncomplete complete answers in which messages are missing end a hole: an archive may be a little behind.
const maxIncomplete = 3

// Run fills holes until ctx ends.
func (f *Filler) Run(ctx context.Context) error {
	f.attempts = map[int64]*attempt{}
	defer f.sum(true)
	for ctx.Err() == nil {
		f.sum(false)
		hole, wait := f.next()
		if hole != nil {
			f.fill(ctx, *hole)
			continue
		}
		timer := time.NewTimer(wait)
		select {
		case <-f.Holes.Wake():
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
	return nil
}

// next gives the first hole that is due, or how long to wait for one.
func (f *Filler) next() (*bus.Hole, time.Duration) {
	wait, open := closedSaid, f.Holes.Open()
	known := map[int64]*attempt{}
	for i := range open {
		a := f.attempts[open[i].Number]
		if a == nil {
			a = &attempt{since: open[i].Since}
		}
		known[open[i].Number] = a
	}
	f.attempts = known
	for i := range open {
		left := known[open[i].Number].due.Sub(f.Now())
		if filled := !open[i].Unbounded() && open[i].Missing == 0; !filled {
			left = max(left, f.paceLeft())
		}
		if left <= 0 {
			return &open[i], 0
		}
		wait = min(wait, left)
	}
	return nil, wait
}

// Holes may be invented, where nobody is proved, and archives belong to others. So a source asks only so often: some
// questions at once, and then one in each pace. (It is a token bucket.)
const (
	pace  = 5 * time.Second
	burst = 10
)

// paceLeft gives how long to wait before the next question.
func (f *Filler) paceLeft() time.Duration { return f.paid.Add(-(burst - 1) * pace).Sub(f.Now()) }

// pay notes a question.
func (f *Filler) pay() {
	if now := f.Now(); f.paid.Before(now) {
		f.paid = now
	}
	f.paid = f.paid.Add(pace)
}

// fill asks for a hole once. The answer to a question for a time is one for the other holes of that time, too.
func (f *Filler) fill(ctx context.Context, h bus.Hole) {
	a := f.attempts[h.Number]
	before := f.Holes.Filled()
	said := f.ask(ctx, h)
	a.filled += f.Holes.Filled() - before
	if ctx.Err() != nil {
		return
	}
	for _, open := range f.Holes.Open() {
		if open.Number == h.Number {
			f.conclude(ctx, h, said)
		} else if said.complete && f.attempts[open.Number] != nil && f.covers(h, open) {
			f.conclude(ctx, open, said)
		}
	}
}

// covers reports whether the question for h has asked for other as well.
func (f *Filler) covers(h, other bus.Hole) bool {
	return !h.Sequence && !other.Sequence && !other.Unbounded() && !other.Since.Before(h.Since) &&
		!other.Until.After(h.Until.Add(f.Config.Margin/2))
}

// conclude closes a hole after an answer, where that was enough or where it is too late, or lets it wait.
func (f *Filler) conclude(ctx context.Context, h bus.Hole, said answer) {
	a, now := f.attempts[h.Number], f.Now()
	switch {
	case !h.Unbounded() && f.missing(h) == 0, h.Unbounded() && said.complete:
		f.close(ctx, h, a, nil)
	case now.Sub(h.Until) > f.Config.Window, said == answer{}:
		f.close(ctx, h, a, errors.Join(said.err, errGaveUp))
	case said.err != nil:
		f.again(a, said.err)
	case said.early:
		a.failed, a.due = 0, now.Add(max(time.Second, h.Until.Add(f.Config.Margin).Sub(now)))
	case a.incomplete+1 < maxIncomplete:
		a.incomplete++
		f.again(a, nil)
	default:
		f.close(ctx, h, a, nil)
	}
}

var errGaveUp = errors.New("no archive has answered in time")

// again lets a hole wait for the next attempt, and logs why, once for each reason.
func (f *Filler) again(a *attempt, err error) {
	a.failed++
	a.due = f.Now().Add(backoff.Delay(f.Config.RetryFirst, f.Config.RetryMost, a.failed, f.Random))
	if err != nil && err.Error() != a.said {
		a.said = err.Error()
		f.Log.Warn("cannot fill what is missing, will retry", "source", f.Source, "error", err)
	}
}
