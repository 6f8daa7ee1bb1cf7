package outbox

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/internal/grace"
)

// janitorPeriod is how often done and dead deliveries are looked at for deletion.
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

// Run sends what is due by the backends given, each with its own workers, until ctx ends. Then it claims nothing
// more, lets sends in hand finish within Config.Drain, gives back what was not sent, within Config.Finish where the
// database is slow (what is not written down by then, the lease gives back), and returns nil. Deliveries for
// a backend that is not given wait. Run is called once, and on SQLite by one process only: what an earlier process had in
// hand when it was killed is taken up at once there, while on PostgreSQL, where its holder may live on another node, the
// lease has to run out first.
func (o *Outbox) Run(ctx context.Context, targets map[string]backends.Backend) error {
	if err := o.reclaim(ctx); err != nil {
		return err
	}
	finishing, cancel := grace.Extend(ctx, o.cfg.Drain+o.cfg.Finish)
	defer cancel()
	completing, stop := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(completing)
		o.completions.run(finishing, stop, o.complete)
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
	pools.Go(func() { o.janitor(ctx) })
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

func (o *Outbox) janitor(ctx context.Context) {
	for {
		if err := o.prune(ctx); err != nil && ctx.Err() == nil {
			o.cfg.Log.Error("cannot delete old deliveries", "error", err)
		}
		if !wait(ctx, janitorPeriod, nil) {
			return
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
