package leases

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/notifyd/notifyd/internal/backoff"
)

// A moment is a time by both clocks: the monotonic one, which never jumps, and the wall clock, which also runs while
// the machine is suspended.
type moment struct {
	monotonic time.Duration
	wall      time.Time
}

// since is how long ago an earlier moment is, by the clock that says more. It is for who must stop in time.
func (m moment) since(earlier moment) time.Duration {
	return max(m.monotonic-earlier.monotonic, m.wall.Sub(earlier.wall))
}

// A hold is a lease that this node has taken, to its end.
type hold struct {
	l       *Leases
	name    string
	renewed atomic.Pointer[moment] // before the last renewal that has worked was sent
	beat    atomic.Int64           // that the row has as far as we know
	over    atomic.Bool            // it is lost, and does not come back
}

// left is how much longer this node may work.
func (h *hold) left() time.Duration {
	if h.over.Load() {
		return 0
	}
	return h.l.Hold - h.l.margin() - h.l.clock().since(*h.renewed.Load())
}

// lost reports whether the hold ended because it was not renewed in time.
func (h *hold) lost() bool { return h.over.Load() }

// wait takes the lease of a name as soon as it is free; nil when ctx ends before.
func (l *Leases) wait(ctx context.Context, name string) *hold {
	var seen row
	var since time.Duration // by the monotonic clock: a wall clock that jumps must not make us early
	complained := false
	for ctx.Err() == nil {
		at, rows, err := l.seeAll(ctx)
		if err == nil {
			now := rows[name]
			if now != seen {
				seen, since = now, at.monotonic
			}
			if now.Holder == "" || now.Holder == l.Node || at.monotonic-since >= l.Hold {
				var h *hold
				if h, err = l.take(ctx, name, now); h != nil {
					return h
				}
			}
		}
		if err != nil && ctx.Err() == nil && !complained { // once: it is tried every half second
			l.Log.Error("cannot see who has a lease; trying again", "lease", name, "error", err)
		}
		complained = err != nil
		backoff.Sleep(ctx, l.look())
	}
	return nil
}

// take takes a lease from what it was seen as; nil where another node was quicker.
func (l *Leases) take(ctx context.Context, name string, from row) (*hold, error) {
	h := &hold{l: l, name: name}
	sent := l.clock()
	h.renewed.Store(&sent)
	beat, err := l.swap(ctx, name, from.Beat)
	if err != nil || beat == 0 {
		return nil, err
	}
	h.beat.Store(beat)
	l.holds(name, h)
	if from.Holder == "" || from.Holder == l.Node {
		l.Log.Info("lease taken", "lease", name)
	} else {
		l.Log.Info("lease taken over", "lease", name, "from", from.Holder)
	}
	return h, nil
}

// under runs run under a hold, and renews it until run has returned.
func (l *Leases) under(ctx context.Context, h *hold, run func(context.Context) error) error {
	part, end := context.WithCancelCause(ctx)
	defer end(nil)
	ended := make(chan error, 1)
	go func() { ended <- run(part) }()
	renewals, stop := context.WithCancel(context.WithoutCancel(ctx))
	renewing := make(chan struct{})
	go func() {
		defer close(renewing)
		h.renewAll(renewals)
	}()
	tick := time.NewTicker(l.look()) // a timer for the end would not know of a machine that is suspended
	defer tick.Stop()
	for late := time.Duration(0); ; {
		select {
		case err := <-ended:
			stop()
			<-renewing
			l.holds(h.name, nil) // before anybody else can have it
			l.release(ctx, h)
			return err
		case <-tick.C:
		}
		switch left := h.left(); {
		case left > 0:
		case late == 0:
			h.over.Store(true)
			l.Log.Warn("lease lost: what ran under it stops here", "lease", h.name)
			end(ErrLost)
			late = l.clock().monotonic
		case late > 0 && l.clock().monotonic-late > l.margin():
			l.Log.Error("what ran under a lease that is lost has not stopped yet", "lease", h.name)
			late = -1
		}
	}
}

// renewAll renews a hold until ctx ends, or another node has the lease. A renewal that is under way then is made to its
// end: whether the database has it would not be known, and the lease could not be given up.
func (h *hold) renewAll(ctx context.Context) {
	complained := false
	for next := h.l.renew(); backoff.Sleep(ctx, next); {
		sent := h.l.clock()
		beat, err := h.l.raise(context.WithoutCancel(ctx), h.name)
		switch {
		case err != nil:
			if !complained && ctx.Err() == nil {
				h.l.Log.Warn("cannot renew a lease; trying again", "lease", h.name, "error", err)
			}
			complained, next = true, h.l.look()
		case beat == 0:
			h.over.Store(true)
			return
		default:
			h.renewed.Store(&sent)
			h.beat.Store(beat)
			complained, next = false, h.l.renew()
		}
	}
}
