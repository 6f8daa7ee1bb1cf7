package outbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/internal/backoff"
)

// errNotOurs is the reason of a parcel that was claimed just before another process got the connection.
var errNotOurs = errors.New("another node sends by this backend now")

// errNetworkDown is the reason of a parcel that waits while its network is down and others are up.
var errNetworkDown = errors.New("waiting for the network to come back")

// deliverAll is a worker: it sends what waits in hand. ctx ends with the drain deadline.
func (p *pool) deliverAll(ctx, finishing context.Context) {
	for {
		c, ok, few := p.hands.next()
		if few {
			p.notify()
		}
		if !ok {
			return
		}
		p.deliver(ctx, finishing, c)
		p.staff()
	}
}

// deliver sends one parcel and has the result recorded.
func (p *pool) deliver(ctx, finishing context.Context, c claim) {
	o := p.o
	started := o.now()
	if !o.cfg.May(p.name) { // it did when this was claimed
		p.record(finishing, completion{claim: c, result: returned, err: errNotOurs}, nil)
		return
	}
	if !p.hands.holds(c, started, o.cfg.Lease) {
		p.record(finishing, completion{claim: c, result: unsent}, nil)
		return
	}
	if again, down := p.down(c, started); down {
		p.record(finishing, completion{claim: c, result: returned, err: errNetworkDown, due: again}, nil)
		return
	}
	err := p.send(ctx, c)
	done := o.classify(c, err, err != nil && ctx.Err() != nil)
	p.observe(done)
	if done.result == waits {
		o.asleep.add(p.name, c.rows[0].Address, c.queue.destination)
	}
	took, ended := o.now().Sub(started), o.shared()
	p.record(finishing, done, func() {
		o.counts.add(p.name, done, took, ended)
		p.report(finishing, done)
	})
}

// down reports whether a parcel waits because its network is down; again is when it may be asked next, zero when
// nobody knows.
func (p *pool) down(c claim, now time.Time) (again time.Time, down bool) {
	if p.network == nil {
		probeAt, open := p.breaker.state()
		return time.Time{}, open && (now.Before(probeAt) || p.hands.count() > 1) // what was claimed before it opened
	}
	ok, again := p.breakerOf(c.rows[0].Address).allow(now, p.o.cfg.ProbeFirst)
	return again, !ok
}

// report tells of parcels that were given up.
func (p *pool) report(ctx context.Context, done completion) {
	if done.result != refused && done.result != expired {
		return
	}
	what, reason := "delivery refused", reasonOf(done.err, done.rows[0].Address)
	if done.result == expired {
		what = "delivery given up"
	}
	p.o.cfg.Log.Warn(what, "backend", p.name, "destination", done.queue.destination, "reason", reason)
	if errors.Is(done.err, backends.ErrGone) {
		p.o.cfg.OnGone(ctx, done.queue.destination, reason)
	}
}

// observe tells the breaker what a send says of the backend.
func (p *pool) observe(done completion) {
	o, breaker := p.o, p.breakerOf(done.rows[0].Address)
	switch {
	case !o.cfg.May(p.name):
		breaker.inconclusive() // the connection has ended because another process makes one
	case errors.Is(done.err, backends.ErrUnavailable) && !errors.Is(done.err, backends.ErrRefused):
		pause := func(failures int64) time.Duration {
			return backoff.Delay(o.cfg.ProbeFirst, o.cfg.ProbeMost, failures, o.fraction)
		}
		if breaker.fail(o.now(), pause) {
			o.counts.down(p.name, 1)
			o.cfg.Log.Warn("backend is down", "backend", p.name, "reason", reasonOf(done.err, done.rows[0].Address))
		}
	case done.result != returned && !saysNothing(done.err):
		if breaker.succeed() {
			o.counts.down(p.name, -1)
			o.cfg.Log.Info("backend is up again", "backend", p.name)
		}
	default:
		breaker.inconclusive()
	}
}

// The reasons of parcels that did not reach the backend, or got no answer from it. errCorrupt: a stored notice cannot
// be read any more; no retry mends that, and no destination is to blame.
var (
	errCorrupt     = errors.New("stored notice is broken")
	errInterrupted = errors.New("interrupted while sending, too often")
	errPanicked    = errors.New("bug: backend panicked")
	errUnfilled    = errors.New("its secret could not be made")
)

// saysNothing reports that err says nothing about the backend: it may be down or up.
func saysNothing(err error) bool {
	for _, reason := range []error{errCorrupt, errInterrupted, errPanicked, errUnfilled, context.DeadlineExceeded} {
		if errors.Is(err, reason) {
			return true
		}
	}
	return false
}

// send hands the parcel over. A panic of the backend is an error like any other: it must not end the daemon.
func (p *pool) send(ctx context.Context, c claim) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", errPanicked, r)
		}
	}()
	if c.redelivered && c.rows[0].Attempts >= int64(p.o.cfg.MaxAttempts) {
		return errInterrupted
	}
	parcel, err := p.o.parcel(ctx, c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, p.o.cfg.SendTimeout)
	defer cancel()
	if slices.ContainsFunc(parcel.Notices, func(n backends.Notice) bool { return n.Secret != "" }) {
		if err := p.o.cfg.Fill(ctx, &parcel); err != nil {
			return fmt.Errorf("%w: %w", errUnfilled, err)
		}
	}
	return p.backend.Send(ctx, parcel)
}

// parcel makes what is handed over of a claim.
func (o *Outbox) parcel(ctx context.Context, c claim) (backends.Parcel, error) {
	made := backends.Parcel{ID: c.parcel, To: c.rows[0].Address, Manage: c.rows[len(c.rows)-1].Manage,
		Destination: c.queue.destination}
	zone := time.UTC
	if !strings.HasPrefix(made.Destination, Account) {
		zone = o.dress(ctx, &made)
	}
	holds, dues := make([]string, 0, len(c.rows)), make([]time.Time, 0, len(c.rows))
	for _, r := range c.rows {
		n, err := r.notice()
		if err != nil {
			return made, errors.Join(errCorrupt, err)
		}
		if !n.Time.IsZero() {
			n.Time = n.Time.In(zone)
		}
		made.Notices = append(made.Notices, n)
		holds, dues = append(holds, r.Hold), append(dues, unstamp(r.DueAt))
	}
	made.Note = o.cfg.Note(holds, dues, zone)
	return made, nil
}

// dress gives a parcel what belongs to its destination, and gives the time zone of its owner. What cannot be read is
// left out: a notice is worth more than its looks.
func (o *Outbox) dress(ctx context.Context, p *backends.Parcel) (zone *time.Location) {
	to := p.Destination
	if holder := o.cfg.Holder; holder != nil {
		p.Holder = func(ctx context.Context) (string, error) { return holder(ctx, to) }
	}
	if options := o.cfg.Options; options != nil {
		chosen, err := options(ctx, to)
		if err != nil {
			o.cfg.Log.Warn("a parcel goes without the options of its owner", "error", err)
		}
		p.Options = chosen
	}
	if page := o.cfg.Page; page != nil {
		p.Page = page(p.ID)
	}
	if mute := o.cfg.Mute; mute != nil {
		p.Mute = mute(to)
	}
	if zones := o.cfg.Zone; zones != nil {
		found, err := zones(ctx, to)
		if err != nil {
			o.cfg.Log.Warn("a parcel tells its times in UTC", "error", err)
		}
		return found
	}
	return time.UTC
}

// record has a completion written. Then it calls then, nil: nothing. The worker waits for what is told to others only.
// When ctx ends before it is written it is left to the lease.
func (p *pool) record(ctx context.Context, done completion, then func()) {
	written := make(chan struct{})
	waits := done.result == refused || done.result == expired
	p.o.completions.write(done, func(bool) {
		if then != nil && !waits {
			then()
		}
		close(written)
		p.hands.recorded(done.claim)
		p.notify()
	})
	if waits && then != nil {
		<-written
		then()
	}
}

// failed is told that completions cannot be written. It waits, and says whether there is time to try again.
func (o *Outbox) failed(ctx context.Context, err error) (again bool) {
	o.cfg.Log.Error("cannot record a delivery", "error", err)
	return wait(ctx, min(o.cfg.Poll, time.Second), nil)
}
