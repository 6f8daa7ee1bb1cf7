package outbox

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/internal/grace"
)

// A pool sends for one backend. One goroutine claims; workers take what it has claimed, one parcel at a time.
type pool struct {
	o        *Outbox
	name     string
	backend  backends.Backend
	notified chan struct{}               // one buffered
	network  func(address string) string // gives the network of an address; nil: there is one
	breaker  breaker                     // where there is one network; else see breakers
	hands    hands
	work     func() // starts a worker

	mu       sync.Mutex
	breakers map[string]*breaker // by network, where there are several
}

// emptyPause keeps a pool from spinning while another node holds what is due.
const emptyPause = 200 * time.Millisecond

// notMayPause is how often Config.May is asked at least while it says no.
const notMayPause = 500 * time.Millisecond

// waitsMost is how long a claimed parcel waits for a worker before it is given back: its owner may want it later now.
const waitsMost = 5 * time.Second

func newPool(o *Outbox, name string, backend backends.Backend) *pool {
	p := &pool{
		o: o, name: name, backend: backend, notified: make(chan struct{}, 1), breakers: map[string]*breaker{},
	}
	if s, ok := backend.(backends.Partitioned); ok {
		p.network = s.Network
	}
	p.hands.width = o.cfg.width(name, backend)
	p.hands.leases = map[string]int{}
	return p
}

func (p *pool) notify() {
	select {
	case p.notified <- struct{}{}:
	default:
	}
}

// run claims and sends until ctx ends, and waits for the sends under way. Their results are written until finishing
// ends.
func (p *pool) run(ctx, finishing context.Context) {
	sending, cancel := grace.Extend(ctx, p.o.cfg.Drain)
	defer cancel()
	var workers, renewing sync.WaitGroup
	p.work = func() { workers.Go(func() { p.deliverAll(sending, finishing) }) }
	stop := make(chan struct{})
	renewing.Go(func() { p.renew(finishing, stop) })
	for p.ready(ctx) {
		p.claim(ctx, sending)
	}
	p.giveBack(finishing)
	workers.Wait()
	p.hands.recording.Wait()
	close(stop)
	renewing.Wait()
}

// claim claims as many parcels as there is room for, and starts workers for them. A claim that is under way at a stop
// is made to its end: whether its commit has come through would not be known.
func (p *pool) claim(ctx, sending context.Context) {
	_, down := p.breaker.state()
	began := p.o.now()
	claims, err := p.o.claim(sending, p.name, p.hands.room(began, down), p.hands.heldLeases())
	if err != nil && ctx.Err() == nil {
		p.o.cfg.Log.Error("cannot claim deliveries", "backend", p.name, "error", err)
		wait(ctx, p.o.cfg.Poll, nil)
	}
	p.hands.add(claims, began)
	p.staff()
	if len(claims) == 0 {
		wait(ctx, emptyPause, p.notified)
	}
}

// staff starts workers for what waits in hand, as many as are of use.
func (p *pool) staff() {
	for range p.hands.hire() {
		p.work()
	}
}

// ready waits until there is room and something is due; false when ctx has ended. While the breaker is open it waits
// for the time of the probe, and until nothing is in hand.
func (p *pool) ready(ctx context.Context) bool {
	for ctx.Err() == nil {
		if p.hands.oldest().Before(p.o.now().Add(-waitsMost)) {
			p.giveBack(ctx)
		}
		if !p.o.cfg.May(p.name) {
			p.forget()
			wait(ctx, min(p.o.cfg.Poll, notMayPause), nil)
			continue
		}
		probeAt, down := p.breaker.state()
		if down && !p.waitForProbe(ctx, probeAt) {
			continue
		}
		if p.hands.room(p.o.now(), down) == 0 {
			wait(ctx, p.o.look, p.notified)
			continue
		}
		left, some, err := p.o.next(ctx, p.name)
		if err != nil && ctx.Err() == nil {
			p.o.cfg.Log.Error("cannot read the queue", "backend", p.name, "error", err)
		}
		if err == nil && some && left <= 0 {
			return ctx.Err() == nil
		}
		pause := p.o.look
		if some && left > 0 {
			pause = min(pause, left)
		}
		wait(ctx, pause, p.notified)
	}
	return false
}

// giveBack returns what waits for a worker.
func (p *pool) giveBack(ctx context.Context) {
	for _, c := range p.hands.empty() {
		p.record(ctx, completion{claim: c, result: unsent}, nil)
	}
}

// forget closes the breakers: what another process sends by the backend now is not known here.
func (p *pool) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := append(slices.Collect(maps.Values(p.breakers)), &p.breaker)
	for _, b := range all {
		if b.succeed() {
			p.o.counts.down(p.name, -1)
		}
	}
}

// waitForProbe waits for the probe's time and until nothing is in hand; true when the probe may go.
func (p *pool) waitForProbe(ctx context.Context, probeAt time.Time) bool {
	if pause := probeAt.Sub(p.o.now()); pause > 0 {
		wait(ctx, min(pause, p.o.cfg.Poll), nil) // and see whether this process still may
		return false
	}
	if p.hands.count() > 0 {
		wait(ctx, p.o.cfg.Poll, p.notified)
		return false
	}
	return true
}

// breakerOf gives the breaker of the network that an address is reached by. There are as many as the backend has
// networks.
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
