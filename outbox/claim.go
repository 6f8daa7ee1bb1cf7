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
	rows        []row // oldest first; all to one address
	redelivered bool  // its last holder went away while it was sending
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
		queues, err := o.leaseQueues(tx, backend, lease, limit, mine, now)
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
		if claims, err = o.gate(tx, claims, now); err != nil {
			return err
		}
		return releaseEmpty(tx, lease, queues, claims)
	})
	if err != nil {
		return nil, fmt.Errorf("claim deliveries: %w", err)
	}
	return claims, nil
}

// leaseQueues puts the lease on queues. On SQLite the one writer makes the statement alone; on PostgreSQL other nodes
// claim at the same time, and SKIP LOCKED lets each take what the others do not hold.
func (o *Outbox) leaseQueues(
	tx *gorm.DB, backend, lease string, limit int, mine []string, now time.Time,
) ([]int64, error) {
	lock := ""
	if o.postgres {
		lock = " FOR UPDATE SKIP LOCKED"
	}
	var ids []int64
	err := tx.Raw(`UPDATE lanes SET lease = ?, ready_at = ? WHERE id IN
		(SELECT id FROM lanes WHERE backend = ? AND ready_at <= ? AND NOT held AND lease NOT IN ?
		ORDER BY ready_at, id LIMIT ?`+lock+`) RETURNING id`,
		lease, stamp(now.Add(o.cfg.Lease)), backend, stamp(now), append(mine, "-"), limit).Scan(&ids).Error
	if err != nil {
		return nil, fmt.Errorf("lease destinations: %w", err)
	}
	return ids, nil
}

// findHeads gives the first row of each queue: one that a worker was sending when it went away, or else the first due.
func findHeads(tx *gorm.DB, queues []int64, now time.Time) ([]row, error) {
	var heads []row
	err := tx.Raw(`SELECT * FROM deliveries WHERE id IN (SELECT COALESCE(
		(SELECT d.id FROM deliveries d WHERE d.lane = l.id AND d.state = ? ORDER BY d.due_at, d.id LIMIT 1),
		(SELECT d.id FROM deliveries d WHERE d.lane = l.id AND d.state = ? AND d.due_at <= ?
			ORDER BY d.due_at, d.id LIMIT 1))
		FROM lanes l WHERE l.id IN ?) ORDER BY due_at, id`, Claimed, Waiting, stamp(now), queues).Scan(&heads).Error
	if err != nil {
		return nil, fmt.Errorf("find what is due: %w", err)
	}
	return heads, nil
}

// pack makes one parcel for each head. Notices that go alone are marked in one statement.
func (o *Outbox) pack(tx *gorm.DB, lease string, heads []row, now time.Time) ([]claim, error) {
	var claims []claim
	var alone []int64
	for _, h := range heads {
		c := claim{queue: queueKey{h.Backend, h.Destination}, lease: lease, parcel: h.Parcel,
			redelivered: h.State == Claimed}
		if c.parcel == "" {
			c.parcel = parcelID(lease, h.ID)
		}
		var err error
		switch {
		case h.Parcel != "":
			c.rows, err = redeliver(tx, h)
		case h.Together:
			c.rows, err = o.gather(tx, h, c.parcel, now)
		default:
			c.rows, alone = []row{h}, append(alone, h.ID)
		}
		if err != nil {
			return nil, err
		}
		claims = append(claims, c)
	}
	if len(alone) == 0 {
		return claims, nil
	}
	err := tx.Exec(`UPDATE deliveries SET state = ?, parcel = ? || CAST(id AS text) WHERE id IN ?`,
		Claimed, parcelID(lease, 0)[:len(lease)+1], alone).Error
	if err != nil {
		return nil, fmt.Errorf("mark claimed: %w", err)
	}
	return claims, nil
}

// parcelID names a new parcel after the claim that made it and its first row.
func parcelID(lease string, head int64) string { return fmt.Sprintf("%s.%d", lease, head) }

// redeliver claims the rows of a parcel that was packed before: always the same ones. If the last worker went away
// while it was sending, that counts as an attempt. So a notice that kills the process ends as a dead letter (poison
// message).
func redeliver(tx *gorm.DB, h row) ([]row, error) {
	var rows []row
	err := tx.Raw(`SELECT * FROM deliveries WHERE parcel = ? AND state IN ? ORDER BY id`,
		h.Parcel, []State{Waiting, Claimed}).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("read parcel: %w", err)
	}
	more := 0
	if h.State == Claimed {
		more = 1
	}
	for i := range rows {
		rows[i].Attempts += int64(more)
	}
	err = tx.Exec(`UPDATE deliveries SET state = ?, attempts = attempts + ? WHERE parcel = ? AND state IN ?`,
		Claimed, more, h.Parcel, []State{Waiting, Claimed}).Error
	if err != nil {
		return nil, fmt.Errorf("mark claimed: %w", err)
	}
	return rows, nil
}

// gather packs a digest: what waits for the destination, oldest first. What does not fit is due at once.
func (o *Outbox) gather(tx *gorm.DB, h row, parcel string, now time.Time) ([]row, error) {
	var rows []row
	err := tx.Raw(`SELECT * FROM deliveries
		WHERE lane = ? AND state = ? AND together = ? AND parcel = '' AND address = ? ORDER BY id LIMIT ?`,
		h.Queue, Waiting, true, h.Address, o.cfg.MaxNotices+1).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("gather digest: %w", err)
	}
	overflow := len(rows) > o.cfg.MaxNotices
	rows = rows[:min(len(rows), o.cfg.MaxNotices)]
	var ids []int64
	for _, r := range rows {
		ids = append(ids, r.ID)
	}
	for part := range slices.Chunk(ids, chunk) {
		err := tx.Exec(`UPDATE deliveries SET state = ?, parcel = ? WHERE id IN ?`, Claimed, parcel, part).Error
		if err != nil {
			return nil, fmt.Errorf("mark claimed: %w", err)
		}
	}
	if overflow {
		return rows, makeDue(tx, h.Queue, now)
	}
	return rows, nil
}

// releaseEmpty gives queues back in which nothing is to be sent now.
func releaseEmpty(tx *gorm.DB, lease string, queues []int64, claims []claim) error {
	busy := map[int64]bool{}
	for _, c := range claims {
		busy[c.rows[0].Queue] = true
	}
	for _, id := range queues {
		if busy[id] {
			continue
		}
		if err := tx.Exec(`UPDATE lanes SET lease = '' WHERE id = ? AND lease = ?`, id, lease).Error; err != nil {
			return fmt.Errorf("release destination: %w", err)
		}
		if err := setReady(tx, id, 0); err != nil {
			return err
		}
	}
	return nil
}

// setReady makes a free queue claimable when its first row falls due, but not before floor. The caller holds the
// queue's row, so that Add cannot slip in between.
func setReady(tx *gorm.DB, queue, floor int64) error {
	var due sql.NullInt64
	err := tx.Raw(`SELECT min(due_at) FROM (SELECT min(due_at) AS due_at FROM deliveries WHERE lane = ? AND state = ?
		UNION ALL SELECT min(due_at) FROM deliveries WHERE lane = ? AND state = ?) AS open`,
		queue, Waiting, queue, Claimed).Row().Scan(&due)
	if err != nil {
		return fmt.Errorf("find next due: %w", err)
	}
	ready := int64(never)
	if due.Valid {
		ready = max(due.Int64, floor)
	}
	if err := tx.Exec(`UPDATE lanes SET ready_at = ? WHERE id = ?`, ready, queue).Error; err != nil {
		return fmt.Errorf("set next due: %w", err)
	}
	return nil
}
