package outbox

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"
)

// A claim is a parcel that a worker has under a lease.
type claim struct {
	queue       queueKey
	lease       string
	parcel      string
	rows        []row     // oldest first; all to one address
	redelivered bool      // its last holder went away while it was sending
	since       time.Time // when it was asked for
}

// claim leases up to limit queues of a backend that have something due, oldest first, and packs one parcel of each. It
// also takes queues whose lease ran out, except those under the leases in mine: this process still sends there.
func (o *Outbox) claim(ctx context.Context, backend string, limit int, mine []string) ([]claim, error) {
	lease, err := o.token()
	if err != nil {
		return nil, err
	}
	var claims []claim
	err = o.writer.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		now, err := o.clock(tx)
		if err != nil {
			return err
		}
		queues, free, err := o.leaseQueues(tx, backend, lease, limit, mine, now)
		if err != nil || len(queues) == 0 {
			return err
		}
		heads, err := findHeads(tx, queues, now)
		if err != nil {
			return err
		}
		claims, err = o.pack(tx, lease, heads, now)
		if err != nil {
			return err
		}
		if err := o.explainClaims(tx, claims); err != nil {
			return err
		}
		if claims, err = o.gate(tx, claims, free, now); err != nil {
			return err
		}
		return releaseEmpty(tx, queues, claims)
	})
	if err != nil {
		return nil, fmt.Errorf("claim deliveries: %w", err)
	}
	return claims, nil
}

// leaseQueues puts the lease on queues. On SQLite the one writer makes the statement alone; on PostgreSQL other nodes
// claim at the same time, and SKIP LOCKED lets each take what the others do not hold. free are those whose owner holds
// nothing back.
func (o *Outbox) leaseQueues(
	tx *gorm.DB, backend, lease string, limit int, mine []string, now time.Time,
) (ids []int64, free map[int64]bool, err error) {
	lock := ""
	if o.postgres {
		lock = " FOR UPDATE SKIP LOCKED"
	}
	free = map[int64]bool{}
	leased := tx.Raw(`UPDATE lanes SET lease = ?, ready_at = ? WHERE id IN
		(SELECT id FROM lanes WHERE backend = ? AND ready_at <= ? AND NOT held AND lease NOT IN ?
		ORDER BY ready_at, id LIMIT ?`+lock+`) RETURNING id, free`,
		lease, stamp(now.Add(o.cfg.Lease)), backend, stamp(now), append(mine, "-"), limit)
	err = eachRow(leased, func(rows *sql.Rows) error {
		var id int64
		var open bool
		err := rows.Scan(&id, &open)
		ids, free[id] = append(ids, id), open
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("lease destinations: %w", err)
	}
	return ids, free, nil
}

// findHeads gives the first row of each queue: one that a worker was sending when it went away, or else the first due.
func findHeads(tx *gorm.DB, queues []int64, now time.Time) ([]row, error) {
	heads, err := readRows(tx, `WHERE id IN (SELECT COALESCE(
		(SELECT d.id FROM deliveries d WHERE d.lane = l.id AND d.state = ? AND d.settled_at = 0
			ORDER BY d.due_at, d.id LIMIT 1),
		(SELECT d.id FROM deliveries d WHERE d.lane = l.id AND d.state = ? AND d.settled_at = 0 AND d.due_at <= ?
			ORDER BY d.due_at, d.id LIMIT 1))
		FROM lanes l WHERE l.id IN ?) ORDER BY due_at, id`, Claimed, Waiting, stamp(now), queues)
	if err != nil {
		return nil, fmt.Errorf("find what is due: %w", err)
	}
	return heads, nil
}

// releaseEmpty gives queues back in which nothing is to be sent now.
func releaseEmpty(tx *gorm.DB, queues []int64, claims []claim) error {
	busy := map[int64]bool{}
	for _, c := range claims {
		busy[c.rows[0].Queue] = true
	}
	var empty []int64
	for _, id := range queues {
		if !busy[id] {
			empty = append(empty, id)
		}
	}
	return freeQueues(tx, empty, 0)
}

// firstDue is when the first row of a queue falls due, but not before a floor.
const firstDue = `COALESCE((SELECT CASE WHEN min(due_at) < ? THEN ? ELSE min(due_at) END FROM
	(SELECT min(due_at) AS due_at FROM deliveries WHERE lane = lanes.id AND state = ? AND settled_at = 0
	UNION ALL SELECT min(due_at) FROM deliveries WHERE lane = lanes.id AND state = ? AND settled_at = 0) AS open), ?)`

// setReady makes a free queue claimable when its first row falls due, but not before floor. The caller holds the
// queue's row, so that Add cannot slip in between.
func setReady(tx *gorm.DB, queue, floor int64) error {
	err := tx.Exec(`UPDATE lanes SET ready_at = `+firstDue+` WHERE id = ?`,
		floor, floor, Waiting, Claimed, int64(never), queue).Error
	if err != nil {
		return fmt.Errorf("set next due: %w", err)
	}
	return nil
}

// freeQueues ends the leases of queues, which are as ready then as setReady makes them. The caller holds their rows.
func freeQueues(tx *gorm.DB, queues []int64, floor int64) error {
	for part := range slices.Chunk(queues, chunk) {
		err := tx.Exec(`UPDATE lanes SET lease = '', ready_at = `+firstDue+` WHERE id IN ?`,
			floor, floor, Waiting, Claimed, int64(never), part).Error
		if err != nil {
			return fmt.Errorf("free destinations: %w", err)
		}
	}
	return nil
}

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
		leases, began := p.hands.heldLeases(), p.o.now()
		if len(leases) == 0 {
			continue
		}
		if err := p.o.renew(ctx, leases); err != nil {
			p.o.cfg.Log.Warn("cannot renew leases", "backend", p.name, "error", err)
			continue
		}
		p.hands.renewedAt(began)
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
