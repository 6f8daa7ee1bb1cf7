package outbox

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/internal/grace"
)

// janitorPeriod is how often old deliveries are deleted.
const janitorPeriod = 10 * time.Minute

// runningPools are the pools that a Notify reaches.
type runningPools struct {
	mu    sync.Mutex
	pools map[*pool]bool
}

// Notify says that something may be due: call it after the commit of an Add. It never blocks.
func (o *Outbox) Notify() {
	o.running.mu.Lock()
	defer o.running.mu.Unlock()
	for p := range o.running.pools {
		p.notify()
	}
}

func (r *runningPools) add(p *pool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.pools == nil {
		r.pools = map[*pool]bool{}
	}
	r.pools[p] = true
}

func (r *runningPools) remove(p *pool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.pools, p)
}

// Run sends what is due by the backends given, each with its own workers, until ctx ends. Deliveries for a backend that
// is not given wait. When ctx ends Run claims nothing more, waits for sends under way within Config.Drain, and writes
// down the results within Config.Finish; what is not written by then comes back when its lease runs out. It returns
// nil.
//
// Run is called once; Janitor runs beside it. On SQLite only one process may call Run: what an earlier process was
// sending when it was killed is sent again at once. On PostgreSQL that process may live on another node, so its leases
// have to run out first.
func (o *Outbox) Run(ctx context.Context, targets map[string]backends.Backend) error {
	if err := o.reclaim(ctx); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	finishing, cancel := grace.Extend(ctx, o.cfg.Drain+o.cfg.Finish)
	defer cancel()
	completing, stop := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(completing)
		commit := func(list []completion) error { return o.complete(finishing, list) }
		o.completions.run(stop, commit, func(err error) bool { return o.failed(finishing, err) })
	}()
	var pools sync.WaitGroup
	for name, backend := range targets {
		p := newPool(o, name, backend)
		o.running.add(p)
		pools.Go(func() {
			defer o.running.remove(p)
			p.run(ctx, finishing)
		})
	}
	pools.Wait()
	close(stop)
	<-completing
	return nil
}

// reclaim ends the leases of a process that was killed. No other process can hold one on SQLite.
func (o *Outbox) reclaim(ctx context.Context) error {
	if o.postgres {
		return nil
	}
	err := o.writer.WithContext(ctx).Exec(`UPDATE lanes SET ready_at = ? WHERE lease <> '' AND ready_at > ?`,
		stamp(o.now()), stamp(o.now())).Error
	if err != nil {
		return fmt.Errorf("reclaim leases: %w", err)
	}
	return nil
}

// Janitor deletes what was done or dead for long enough, until ctx ends. One process does it for all that share a
// database.
func (o *Outbox) Janitor(ctx context.Context) error {
	for {
		if err := o.prune(ctx); err != nil && ctx.Err() == nil {
			o.cfg.Log.Error("cannot delete old deliveries", "error", err)
		}
		if !wait(ctx, janitorPeriod, nil) {
			return nil
		}
	}
}

// wait sleeps for d, or until early gives something; false when ctx has ended.
func wait(ctx context.Context, d time.Duration, early <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
	case <-early:
	}
	return ctx.Err() == nil
}
