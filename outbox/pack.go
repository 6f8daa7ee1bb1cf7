package outbox

import (
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"
)

// pack.go makes parcels of what a claim has found, for many queues in few statements.

// The bounds on what one claim holds in memory. What is beyond them is claimed next.
const (
	claimBytes = 8 << 20 // of notices
	claimHeads = 8       // digests that are read at a time
)

// pack makes one parcel for each head: the rows of a parcel that was packed before, a digest, or a notice alone.
func (o *Outbox) pack(tx *gorm.DB, lease string, heads []row, now time.Time) ([]claim, error) {
	var again, together, alone []claim
	for _, h := range heads {
		c := claim{queue: queueKey{h.Backend, h.Destination}, lease: lease, parcel: h.Parcel,
			redelivered: h.State == Claimed, rows: []row{h}}
		if c.parcel == "" {
			c.parcel = parcelID(lease, h.ID)
		}
		switch {
		case h.Parcel != "":
			again = append(again, c)
		case h.Together:
			together = append(together, c)
		default:
			alone = append(alone, c)
		}
	}
	if err := markAlone(tx, lease, alone); err != nil {
		return nil, err
	}
	if err := redeliver(tx, again); err != nil {
		return nil, err
	}
	together, err := o.gather(tx, together, now)
	if err != nil {
		return nil, err
	}
	claims := slices.Concat(again, alone, together)
	slices.SortStableFunc(claims, func(a, b claim) int { return a.rows[0].compare(b.rows[0]) })
	return claims, nil
}

// parcelID names a new parcel after the claim that made it and its first row.
func parcelID(lease string, head int64) string { return fmt.Sprintf("%s.%d", lease, head) }

// markAlone claims notices that go alone, in one statement.
func markAlone(tx *gorm.DB, lease string, alone []claim) error {
	var ids []int64
	for _, c := range alone {
		ids = append(ids, c.rows[0].ID)
	}
	for part := range slices.Chunk(ids, chunk) {
		err := tx.Exec(`UPDATE deliveries SET state = ?, parcel = ? || CAST(id AS text) WHERE id IN ?`,
			Claimed, parcelID(lease, 0)[:len(lease)+1], part).Error
		if err != nil {
			return fmt.Errorf("mark claimed: %w", err)
		}
	}
	return nil
}

// redeliver claims the rows of parcels that were packed before: always the same ones. If the last worker went away
// while it was sending, that counts as an attempt. So a notice that kills the process ends as a dead letter (poison
// message).
func redeliver(tx *gorm.DB, again []claim) error {
	open := []State{Waiting, Claimed}
	for part := range slices.Chunk(again, chunk) {
		var parcels, interrupted []string
		var lanes, ids []int64
		place := map[string]*claim{}
		for i := range part {
			c := &part[i]
			lanes = append(lanes, c.rows[0].Queue)
			parcels, place[c.parcel], c.rows = append(parcels, c.parcel), c, nil
			if c.redelivered {
				interrupted = append(interrupted, c.parcel)
			}
		}
		rows, err := readRows(tx, `WHERE lane IN ? AND state IN ? AND settled_at = 0 AND parcel IN ? ORDER BY id`, lanes,
			open, parcels)
		if err != nil {
			return fmt.Errorf("read parcels: %w", err)
		}
		for _, r := range rows {
			c := place[r.Parcel]
			if c.redelivered {
				r.Attempts++
			}
			c.rows, ids = append(c.rows, r), append(ids, r.ID)
		}
		err = tx.Exec(`UPDATE deliveries SET state = ?, attempts = attempts + CASE WHEN parcel IN ? THEN 1 ELSE 0 END
			WHERE id IN ?`, Claimed, append(interrupted, ""), ids).Error
		if err != nil {
			return fmt.Errorf("mark claimed: %w", err)
		}
	}
	return nil
}

// gather packs digests, oldest first: what is due of each destination, with all else that waits for the same reason
// (see Delivery.Hold). What does not fit into a parcel is due at once. Digests for which a claim has no room are left
// out.
func (o *Outbox) gather(tx *gorm.DB, digests []claim, now time.Time) ([]claim, error) {
	var full []int64 // queues with more than fits
	var packed []claim
	size := 0
	for part := range slices.Chunk(digests, claimHeads) {
		if size > claimBytes {
			break
		}
		place, lanes := map[int64]*claim{}, []int64{}
		for i := range part {
			place[part[i].rows[0].Queue] = &part[i]
			lanes = append(lanes, part[i].rows[0].Queue)
			part[i].rows = nil
		}
		rows, err := readRows(tx, `WHERE id IN (WITH going AS (SELECT DISTINCT lane, hold FROM deliveries
				WHERE lane IN ? AND state = ? AND settled_at = 0 AND due_at <= ? AND together = ? AND parcel = '')
			SELECT id FROM (SELECT d.id, row_number() OVER (PARTITION BY d.lane ORDER BY d.id) AS place
			FROM going g JOIN deliveries d ON d.lane = g.lane AND d.hold = g.hold AND d.state = ? AND d.settled_at = 0
			AND d.together = ? AND d.parcel = '') AS waiting WHERE place <= ?) ORDER BY lane, id`,
			lanes, Waiting, stamp(now), true, Waiting, true, o.cfg.MaxNotices+1)
		if err != nil {
			return nil, fmt.Errorf("gather digests: %w", err)
		}
		for _, r := range rows {
			c := place[r.Queue]
			if len(c.rows) == o.cfg.MaxNotices {
				full = append(full, r.Queue)
				continue
			}
			c.rows = append(c.rows, r)
			size += len(r.Notice)
		}
		packed = append(packed, part...)
	}
	if err := makeRestDue(tx, full, now); err != nil {
		return nil, err
	}
	return packed, markTogether(tx, packed)
}

// makeRestDue makes everything due in queues that waits for the same reason as something that is due.
func makeRestDue(tx *gorm.DB, queues []int64, now time.Time) error {
	for _, id := range queues {
		err := tx.Exec(`UPDATE deliveries SET due_at = ?
			WHERE lane = ? AND state = ? AND settled_at = 0 AND due_at > ? AND together = ? AND parcel = '' AND hold IN
			(SELECT hold FROM deliveries WHERE lane = ? AND state = ? AND settled_at = 0 AND due_at <= ? AND together = ?
			AND parcel = '')`,
			stamp(now), id, Waiting, stamp(now), true, id, Waiting, stamp(now), true).Error
		if err != nil {
			return fmt.Errorf("pull digest: %w", err)
		}
	}
	return nil
}

// markTogether claims the rows of digests.
func markTogether(tx *gorm.DB, digests []claim) error {
	var args [][]any
	for _, c := range digests {
		for _, r := range c.rows {
			args = append(args, []any{r.ID, c.parcel})
		}
	}
	for part := range slices.Chunk(args, chunk) {
		err := tx.Exec(`WITH packed (id, parcel) AS (VALUES `+values(len(part), "(CAST(? AS bigint), ?)")+`)
			UPDATE deliveries SET state = ?, parcel = packed.parcel FROM packed WHERE deliveries.id = packed.id`,
			append(slices.Concat(part...), Claimed)...).Error
		if err != nil {
			return fmt.Errorf("mark claimed: %w", err)
		}
	}
	return nil
}
