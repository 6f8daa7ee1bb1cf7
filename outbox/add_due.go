package outbox

import (
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"
)

// add_due.go decides when new deliveries are due: by the rate cap, and by how many notices a digest may hold.

// deferOverflow turns what goes over the rate cap into a digest, and moves the queues' ready time forward.
func (o *Outbox) deferOverflow(tx *gorm.DB, fresh []stored, queues map[queueKey]*queue, now time.Time) error {
	late := map[int64][]int64{} // due time to ids
	for i := range fresh {
		s := &fresh[i]
		if o.cfg.CapCount > 0 && !s.Together && s.queue.over(now, o.cfg) && s.Notice.Severity != "critical" {
			s.due = max(s.due, s.queue.WindowAt+o.cfg.CapWindow.Microseconds())
			late[s.due] = append(late[s.due], s.id)
		}
		s.queue.ready(s.due)
	}
	for due, ids := range late {
		for part := range slices.Chunk(ids, chunk) {
			err := tx.Exec(`UPDATE deliveries SET together = ?, due_at = ?, hold = ? WHERE id IN ?`, true, due, HeldByCap, part).Error
			if err != nil {
				return fmt.Errorf("defer overflow: %w", err)
			}
		}
	}
	return nil
}

// over counts one more notice in the window and says whether it is one too many.
func (q *queue) over(now time.Time, cfg Config) bool {
	if stamp(now) >= q.WindowAt+cfg.CapWindow.Microseconds() {
		q.WindowAt, q.WindowCount = stamp(now), 0
	}
	q.WindowCount++
	return q.WindowCount > int64(cfg.CapCount)
}

// ready lets a free queue be claimed at due, if that is earlier. A leased one finds its new rows when its parcel is
// complete.
func (q *queue) ready(due int64) {
	if q.Lease == "" {
		q.ReadyAt = min(q.ReadyAt, due)
	}
}

// pullFull makes a digest due at once where it has as many notices as its schedule allows.
func pullFull(tx *gorm.DB, fresh []stored, now time.Time) error {
	limits := map[*queue]int{}
	for _, s := range fresh {
		if s.Together && s.PullAt > 0 {
			if old, ok := limits[s.queue]; !ok || s.PullAt < old {
				limits[s.queue] = s.PullAt
			}
		}
	}
	for q, limit := range limits {
		var waiting int64
		err := tx.Raw(`SELECT count(*) FROM deliveries WHERE lane = ? AND state = ? AND together = ? AND parcel = ''`,
			q.ID, Waiting, true).Scan(&waiting).Error
		if err != nil {
			return fmt.Errorf("count digest: %w", err)
		}
		if waiting < int64(limit) {
			continue
		}
		if err := makeDue(tx, []int64{q.ID}, now); err != nil {
			return err
		}
		q.ready(stamp(now))
	}
	return nil
}

// makeDue makes everything due that waits for a digest in queues.
func makeDue(tx *gorm.DB, queues []int64, now time.Time) error {
	for part := range slices.Chunk(queues, chunk) {
		err := tx.Exec(`UPDATE deliveries SET due_at = ?
			WHERE lane IN ? AND state = ? AND together = ? AND parcel = '' AND due_at > ?`,
			stamp(now), part, Waiting, true, stamp(now)).Error
		if err != nil {
			return fmt.Errorf("pull digest: %w", err)
		}
	}
	return nil
}
