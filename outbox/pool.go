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

// A pool sends for one backend. One goroutine claims; each parcel it claims gets a goroutine of its own, at most as
// many as there are permits.
type pool struct {
	o        *Outbox
	name     string
	backend  backends.Backend
	notified chan struct{}               // one buffered
	permits  chan struct{}               // a permit for each free worker: a counting semaphore
	network  func(address string) string // gives the network of an address; nil: there is one
	breaker  breaker                     // where there is one network; else see breakers

	mu       sync.Mutex
	leases   map[string]int      // held: how many parcels under each lease
	breakers map[string]*breaker // by network, where there are several
}

// emptyPause keeps a pool from spinning while another node holds what is due.
const emptyPause = 200 * time.Millisecond

// notMayPause is how often Config.May is asked at least while it says no.
const notMayPause = 500 * time.Millisecond

func newPool(o *Outbox, name string, backend backends.Backend) *pool {
	p := &pool{
		o: o, name: name, backend: backend, notified: make(chan struct{}, 1), leases: map[string]int{},
		breakers: map[string]*breaker{},
	}
	if s, ok := backend.(backends.Partitioned); ok {
		p.network = s.Network
	}
	p.permits = make(chan struct{}, o.cfg.workers(name))
	p.release(cap(p.permits))
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
	defer renewing.Wait()
	stop := make(chan struct{})
	defer close(stop)
	renewing.Go(func() { p.renew(finishing, stop) })
	defer workers.Wait()
	for p.ready(ctx) {
		limit := p.acquire()
		// a claim that is under way at a stop is made to its end: whether its commit has come through would not be known
		claims, err := p.o.claim(sending, p.name, limit, p.heldLeases())
		p.release(limit - len(claims))
		if err != nil && ctx.Err() == nil {
			p.o.cfg.Log.Error("cannot claim deliveries", "backend", p.name, "error", err)
			wait(ctx, p.o.cfg.Poll, nil)
		}
		if len(claims) == 0 {
			wait(ctx, emptyPause, p.notified)
		}
		for _, c := range claims {
			p.retain(c.lease)
			workers.Go(func() {
				defer func() { p.release(1); p.notify() }()
				defer p.releaseLease(c.lease)
				p.deliver(sending, finishing, c)
			})
		}
	}
}

// ready waits until a worker is free and something is due; false when ctx has ended. While the breaker is open it waits
// for the time of the probe, and until every worker is free.
func (p *pool) ready(ctx context.Context) bool {
	for ctx.Err() == nil {
		if !p.o.cfg.May(p.name) {
			p.forget()
			wait(ctx, min(p.o.cfg.Poll, notMayPause), nil)
			continue
		}
		probeAt, down := p.breaker.state()
		if down {
			if !p.waitForProbe(ctx, probeAt) {
				continue
			}
		}
		left, some, err := p.o.next(ctx, p.name)
		if err != nil && ctx.Err() == nil {
			p.o.cfg.Log.Error("cannot read the queue", "backend", p.name, "error", err)
		}
		if err == nil && some && left <= 0 && len(p.permits) > 0 {
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

// waitForProbe waits for the probe's time and until every worker is free; true when the probe may go.
func (p *pool) waitForProbe(ctx context.Context, probeAt time.Time) bool {
	if pause := probeAt.Sub(p.o.now()); pause > 0 {
		wait(ctx, min(pause, p.o.cfg.Poll), nil) // and see whether this process still may
		return false
	}
	if len(p.permits) < cap(p.permits) {
		wait(ctx, p.o.cfg.Poll, p.notified)
		return false
	}
	return true
}

// acquire takes the free permits; one while the breaker is open, for the probe.
func (p *pool) acquire() int {
	most := len(p.permits)
	if _, down := p.breaker.state(); down {
		most = min(most, 1)
	}
	for range most {
		<-p.permits
	}
	return most
}

// release gives permits back.
func (p *pool) release(n int) {
	for range n {
		p.permits <- struct{}{}
	}
}

// retain counts one more parcel under a lease, so that the lease is renewed and not claimed again.
func (p *pool) retain(lease string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.leases[lease]++
}

func (p *pool) releaseLease(lease string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.leases[lease]--; p.leases[lease] == 0 {
		delete(p.leases, lease)
	}
}

func (p *pool) heldLeases() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Collect(maps.Keys(p.leases))
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
