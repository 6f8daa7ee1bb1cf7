package outbox

import (
	"context"
	"fmt"
	"time"
)

// renew extends the leases that this pool holds, until stop is closed. So a lease can be short, and a Send can still
// take its time. While the database does not answer leases run out; what was sent under a lost lease is still recorded
// as sent.
func (p *pool) renew(ctx context.Context, stop <-chan struct{}) {
	tick := time.NewTicker(p.o.cfg.Lease / 4)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		if leases := p.heldLeases(); len(leases) > 0 {
			if err := p.o.renew(ctx, leases); err != nil {
				p.o.cfg.Log.Warn("cannot renew leases", "backend", p.name, "error", err)
			}
		}
	}
}

// renew moves the end of leases. It skips queues that another transaction has locked: they are being completed or added
// to, and waiting for several in another order could be a deadlock.
func (o *Outbox) renew(ctx context.Context, leases []string) error {
	ctx, cancel := context.WithTimeout(ctx, completeTimeout)
	defer cancel()
	lock := ""
	if o.postgres {
		lock = " FOR UPDATE SKIP LOCKED"
	}
	now, err := o.clock(o.writer.WithContext(ctx))
	if err != nil {
		return fmt.Errorf("renew leases: %w", err)
	}
	err = o.writer.WithContext(ctx).Exec(`UPDATE lanes SET ready_at = ?
		WHERE id IN (SELECT id FROM lanes WHERE lease IN ?`+lock+`)`,
		stamp(now.Add(o.cfg.Lease)), leases).Error
	if err != nil {
		return fmt.Errorf("renew leases: %w", err)
	}
	return nil
}
