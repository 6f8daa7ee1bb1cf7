package leases

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/notifyd/notifyd/internal/backoff"
)

// The times by which the clock of a node may differ from the database's.
const (
	saidFrom  = 10 * time.Second // from here on people are told
	wrongFrom = time.Hour        // and from here on the node does nothing alone that goes by its clock
)

// A difference is how far the clock of this node is ahead of the database's; negative: behind.
type difference struct{ ahead time.Duration }

func (d *difference) wrong() bool { return d.ahead.Abs() >= wrongFrom }

// InTime is While for what goes by the clock, such as deleting what is old. A node whose clock is wrong by an hour or
// more leaves it to others: one whose clock is a year ahead would delete all. It asks the database what time it is
// whenever it takes or renews a lease, so before it does anything under it.
func (l *Leases) InTime(ctx context.Context, name string, run func(ctx context.Context) error) error {
	if l.DB == nil {
		return l.While(ctx, name, run)
	}
	for l.awaitClock(ctx) {
		err, wrong := l.untilWrong(ctx, name, run)
		if !wrong {
			return err
		}
		if err != nil && !errors.Is(err, context.Canceled) {
			l.Log.Warn("what ran while the clock was right ended with an error", "lease", name, "error", err)
		}
	}
	return nil
}

// awaitClock waits until the clock is known to be right; false: ctx has ended.
func (l *Leases) awaitClock(ctx context.Context) bool {
	for !l.timely() {
		if !backoff.Sleep(ctx, l.look()) {
			return false
		}
	}
	return ctx.Err() == nil
}

// untilWrong is While until the clock is wrong.
func (l *Leases) untilWrong(ctx context.Context, name string, run func(context.Context) error) (err error, wrong bool) {
	part, end := context.WithCancel(ctx)
	var watching sync.WaitGroup
	watching.Go(func() {
		for backoff.Sleep(part, l.look()) {
			if !l.timely() {
				end()
			}
		}
	})
	err = l.While(part, name, func(ctx context.Context) error {
		if !l.timely() {
			end()
			return nil
		}
		return run(ctx)
	})
	wrong = part.Err() != nil && ctx.Err() == nil
	end()
	watching.Wait()
	return err, wrong
}

// timely reports whether the clock of this node is known to be right.
func (l *Leases) timely() bool {
	d := l.differs.Load()
	return d != nil && !d.wrong()
}

// Warnings says that the clock of this node is not the database's.
func (l *Leases) Warnings() []string {
	d := l.differs.Load()
	switch {
	case d == nil || d.ahead.Abs() < saidFrom:
		return nil
	case d.wrong():
		return []string{d.words() + "; it deletes nothing that is old, mails no reports and looks for no silences"}
	}
	return []string{d.words()}
}

func (d *difference) words() string {
	by, which := d.ahead.Abs().Round(time.Second), "ahead of"
	if d.ahead < 0 {
		which = "behind"
	}
	return fmt.Sprintf("the clock of this node is %s %s the database's", by, which)
}

// measured notes the database's time, in microseconds, which it said after the moment sent and before now.
func (l *Leases) measured(sent moment, us int64) {
	there, now := time.UnixMicro(us), l.clock().wall
	d := &difference{}
	switch {
	case there.Before(sent.wall):
		d.ahead = sent.wall.Sub(there)
	case there.After(now):
		d.ahead = now.Sub(there)
	}
	was := l.differs.Swap(d)
	switch {
	case d.wrong() && (was == nil || !was.wrong()):
		l.Log.Error("the clock of this node is wrong", "problem", l.Warnings()[0])
	case !d.wrong() && was != nil && was.wrong():
		l.Log.Info("the clock of this node is right again")
	}
}
