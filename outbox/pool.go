package outbox

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/internal/grace"
)

// A pool sends for one backend. One goroutine claims; each parcel it claims gets a goroutine of its own, at most as
// many as there are slots.
type pool struct {
	o        *Outbox
	name     string
	backend  backends.Backend
	notified chan struct{}               // one buffered
	slots    chan struct{}               // a token for each free worker
	network  func(address string) string // names the network of an address, each with its own breaker; nil: there is one
	breaker  breaker                     // where there is one network

	mu       sync.Mutex
	leases   map[string]int      // in hand: how many parcels under each lease
	breakers map[string]*breaker // by network, where there are several
}

// emptyPause keeps a pool from spinning when what is due is held by somebody else.
const emptyPause = 200 * time.Millisecond

func newPool(o *Outbox, name string, backend backends.Backend) *pool {
	p := &pool{
		o: o, name: name, backend: backend, notified: make(chan struct{}, 1), leases: map[string]int{}, breakers: map[string]*breaker{},
	}
	if s, ok := backend.(backends.Partitioned); ok {
		p.network = s.Network
	}
	p.slots = make(chan struct{}, o.cfg.workers(name))
	for range cap(p.slots) {
		p.slots <- struct{}{}
	}
	return p
}

func (p *pool) notify() {
	select {
	case p.notified <- struct{}{}:
	default:
	}
}

// run claims and sends until ctx ends, and waits for the sends in hand. What came of them is written down until finishing
// ends.
func (p *pool) run(ctx, finishing context.Context) {
	sending, cancel := grace.Extend(ctx, p.o.cfg.Drain)
	defer cancel()
	var workers, renewing sync.WaitGroup
	defer renewing.Wait()
	stop := make(chan struct{})
	defer close(stop)
	renewing.Go(func() { p.renew(finishing, stop) })
	defer workers.Wait()
	for p.ready(ctx) {
		limit := p.take()
		claims, err := p.o.claim(ctx, p.name, limit, p.inHand())
		for range limit - len(claims) {
			p.slots <- struct{}{}
		}
		if err != nil && ctx.Err() == nil {
			p.o.cfg.Log.Error("cannot claim deliveries", "backend", p.name, "error", err)
			wait(ctx, p.o.cfg.Poll, nil)
		}
		if len(claims) == 0 {
			wait(ctx, emptyPause, p.notified)
		}
		for _, c := range claims {
			p.hold(c.lease, 1)
			workers.Go(func() {
				defer func() { p.slots <- struct{}{}; p.notify() }()
				defer p.hold(c.lease, -1)
				p.deliver(sending, finishing, c)
			})
		}
	}
}

// ready waits until a worker is free and something is due; false when ctx has ended. While the backend is down it waits
// for the time of the probe, and for every worker to have come home.
func (p *pool) ready(ctx context.Context) bool {
	for ctx.Err() == nil {
		probeAt, down := p.breaker.state()
		if down {
			if !p.rest(ctx, probeAt) {
				continue
			}
		}
		next, err := p.o.next(ctx, p.name)
		if err != nil && ctx.Err() == nil {
			p.o.cfg.Log.Error("cannot read the queue", "backend", p.name, "error", err)
		}
		now := p.o.now()
		if err == nil && !next.IsZero() && !next.After(now) && len(p.slots) > 0 {
			return ctx.Err() == nil
		}
		pause := p.o.cfg.Poll
		if !next.IsZero() && next.After(now) {
			pause = min(pause, next.Sub(now))
		}
		wait(ctx, pause, p.notified)
	}
	return false
}

// rest waits for the probe's time and for workers in hand; true when the probe may go.
func (p *pool) rest(ctx context.Context, probeAt time.Time) bool {
	if pause := probeAt.Sub(p.o.now()); pause > 0 {
		wait(ctx, pause, nil)
		return false
	}
	if len(p.slots) < cap(p.slots) {
		wait(ctx, p.o.cfg.Poll, p.notified)
		return false
	}
	return true
}

// take takes the free slots; one while the backend is down, for the probe.
func (p *pool) take() int {
	most := len(p.slots)
	if _, down := p.breaker.state(); down {
		most = min(most, 1)
	}
	for range most {
		<-p.slots
	}
	return most
}

func (p *pool) hold(lease string, n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.leases[lease] += n; p.leases[lease] == 0 {
		delete(p.leases, lease)
	}
}

func (p *pool) inHand() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Collect(maps.Keys(p.leases))
}

// breakerOf gives the breaker of the network that an address is reached by. There are as many as the backend has networks.
func (p *pool) breakerOf(address string) *breaker {
	if p.network == nil {
		return &p.breaker
	}
	name := p.network(address)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.breakers[name] == nil {
		p.breakers[name] = &breaker{}
	}
	return p.breakers[name]
}

// errHeld is the reason of a parcel that waits for its network among others that are well.
var errHeld = errors.New("waiting for the network to come back")

// deliver sends one parcel and records the result. ctx ends with the drain deadline.
func (p *pool) deliver(ctx, finishing context.Context, c claim) {
	o := p.o
	started := o.now()
	if p.network != nil {
		if ok, again := p.breakerOf(c.rows[0].Address).allow(started, o.cfg.ProbeFirst); !ok {
			p.record(finishing, completion{claim: c, result: returned, err: errHeld, due: again})
			return
		}
	}
	err := p.send(ctx, c)
	done := o.classify(c, err, err != nil && ctx.Err() != nil)
	p.observe(done)
	p.record(finishing, done)
	o.counts.add(p.name, done, started, o.now())
	switch done.result {
	case refused:
		o.cfg.Log.Warn("delivery refused", "backend", p.name, "destination", c.queue.destination, "reason", Reason(err, c.rows[0].Address))
		if errors.Is(err, backends.ErrGone) {
			o.cfg.OnGone(finishing, c.queue.destination, Reason(err, c.rows[0].Address))
		}
	case expired:
		o.cfg.Log.Warn("delivery given up", "backend", p.name, "destination", c.queue.destination, "reason", Reason(err, c.rows[0].Address))
	}
}

// observe tells the breaker what a send says of the backend.
func (p *pool) observe(done completion) {
	o, breaker := p.o, p.breakerOf(done.rows[0].Address)
	switch {
	case errors.Is(done.err, backends.ErrUnavailable) && !errors.Is(done.err, backends.ErrRefused):
		pause := func(failures int64) time.Duration {
			return o.jitter(double(o.cfg.ProbeFirst, o.cfg.ProbeMost, failures))
		}
		if breaker.fail(o.now(), pause) {
			o.counts.down(p.name, 1)
			o.cfg.Log.Warn("backend is down", "backend", p.name, "reason", Reason(done.err, done.rows[0].Address))
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

// The reasons of parcels that did not get as far as the backend, or not to an answer of it. errCorrupt: a stored notice cannot
// be read any more; no retry mends that, and no destination is to blame.
var (
	errCorrupt     = errors.New("stored notice is broken")
	errInterrupted = errors.New("interrupted while sending, too often")
	errPanicked    = errors.New("bug: backend panicked")
)

// saysNothing says that err tells nothing of the backend: it may be down or up.
func saysNothing(err error) bool {
	for _, reason := range []error{errCorrupt, errInterrupted, errPanicked, context.DeadlineExceeded} {
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
	if c.retaken && c.rows[0].Attempts >= int64(p.o.cfg.MaxAttempts) {
		return errInterrupted
	}
	parcel := backends.Parcel{ID: c.parcel, To: c.rows[0].Address, Manage: c.rows[len(c.rows)-1].Manage}
	for _, r := range c.rows {
		n, err := r.notice()
		if err != nil {
			return errors.Join(errCorrupt, err)
		}
		parcel.Notices = append(parcel.Notices, n)
	}
	ctx, cancel := context.WithTimeout(ctx, p.o.cfg.SendTimeout)
	defer cancel()
	return p.backend.Send(ctx, parcel)
}

// record writes a completion. While the database cannot be written (a full disk) it tries again: forgetting that
// a parcel was sent would send it twice. When ctx ends it leaves the rest to the lease.
func (p *pool) record(ctx context.Context, done completion) {
	for {
		err := p.o.completions.write(ctx, done)
		if err == nil {
			return
		}
		p.o.cfg.Log.Error("cannot record a delivery", "backend", p.name, "error", err)
		if !wait(ctx, min(p.o.cfg.Poll, time.Second), nil) {
			return
		}
	}
}
