package outbox

import (
	"context"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/internal/text"
)

// Cancel makes everything that is owed to destinations dead, in the caller's transaction, and gives its number. It is
// for destinations that are deleted or switched off. What is being sent at this moment still goes, and is done when the
// backend takes it; but it is not tried again.
func (o *Outbox) Cancel(tx *gorm.DB, destinations []string, reason string) (int, error) {
	cancelled := 0
	for part := range slices.Chunk(destinations, chunk) {
		if err := o.lockQueuesOf(tx, part); err != nil {
			return 0, err
		}
		done := tx.Exec(`UPDATE deliveries SET state = ?, settled_at = ?, last_error = ?
			WHERE lane IN (SELECT id FROM lanes WHERE destination IN ?) AND state IN ? AND settled_at = 0`,
			Dead, stamp(o.now()), text.ElideBytes(text.Storable(reason), maxReason), part, []State{Waiting, Claimed})
		if done.Error != nil {
			return 0, fmt.Errorf("cancel deliveries: %w", done.Error)
		}
		cancelled += int(done.RowsAffected)
	}
	return cancelled, nil
}

// lockQueuesOf locks the queues of destinations. All transactions that lock several queues lock them in the same order
// (see lockQueues), so that two never wait for each other.
func (o *Outbox) lockQueuesOf(tx *gorm.DB, destinations []string) error {
	if !o.postgres {
		return nil // the transaction has the database to itself
	}
	var held []int64
	err := tx.Raw(`SELECT id FROM lanes WHERE destination IN ?
		ORDER BY backend COLLATE "C", destination COLLATE "C" FOR UPDATE`, destinations).Scan(&held).Error
	if err != nil {
		return fmt.Errorf("lock destinations: %w", err)
	}
	return nil
}

// CancelOne is Cancel for one destination, in a transaction of its own.
func (o *Outbox) CancelOne(ctx context.Context, destination, reason string) error {
	return o.writer.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		_, err := o.Cancel(tx, []string{destination}, reason)
		return err
	})
}

// Hold keeps everything that is owed to destinations where it is, or lets it go again, in the caller's transaction. It
// is for people who are disabled: nothing is sent to them, and nothing is lost. What is being sent at this moment still
// goes.
func (o *Outbox) Hold(tx *gorm.DB, destinations []string, held bool) error {
	for part := range slices.Chunk(destinations, chunk) {
		if err := o.lockQueuesOf(tx, part); err != nil {
			return err
		}
		if err := tx.Exec(`UPDATE lanes SET held = ? WHERE destination IN ?`, held, part).Error; err != nil {
			return fmt.Errorf("hold deliveries: %w", err)
		}
	}
	return nil
}

// Defer makes what waits for a digest to destinations wait until a time, for another reason, in the caller's
// transaction. What goes alone is left to the Gate, and retries keep their time until they are due.
func (o *Outbox) Defer(tx *gorm.DB, destinations []string, until time.Time, hold string) error {
	for part := range slices.Chunk(destinations, chunk) {
		if err := o.lockQueuesOf(tx, part); err != nil {
			return err
		}
		err := tx.Exec(`UPDATE deliveries SET due_at = ?, hold = ?
			WHERE lane IN (SELECT id FROM lanes WHERE destination IN ?) AND state = ? AND settled_at = 0 AND due_at < ?
			AND together = ? AND parcel = ''`, stamp(until), hold, part, Waiting, stamp(until), true).Error
		if err != nil {
			return fmt.Errorf("defer deliveries: %w", err)
		}
	}
	return nil
}

// Release makes due what waits for destinations because of one of holds, in the caller's transaction. The Gate is asked
// about it again. Call Notify after the commit.
func (o *Outbox) Release(tx *gorm.DB, destinations, holds []string) error {
	now := stamp(o.shared())
	for part := range slices.Chunk(destinations, chunk) {
		if err := o.lockQueuesOf(tx, part); err != nil {
			return err
		}
		err := tx.Exec(`UPDATE deliveries SET due_at = ?, hold = ''
			WHERE lane IN (SELECT id FROM lanes WHERE destination IN ?) AND state = ? AND settled_at = 0 AND hold IN ?`,
			now, part, Waiting, holds).Error
		if err != nil {
			return fmt.Errorf("release deliveries: %w", err)
		}
		if err := wake(tx, part, now); err != nil {
			return err
		}
	}
	return nil
}

// A Rehold gives what waits because of one reason another one, and another due time.
type Rehold struct {
	From, To string
	Due      time.Time
}

// Rehold changes why something waits for destinations, in the caller's transaction. Call Notify after the commit.
func (o *Outbox) Rehold(tx *gorm.DB, destinations []string, r Rehold) error {
	due := stamp(r.Due)
	for part := range slices.Chunk(destinations, chunk) {
		if err := o.lockQueuesOf(tx, part); err != nil {
			return err
		}
		err := tx.Exec(`UPDATE deliveries SET hold = ?, due_at = ?
			WHERE lane IN (SELECT id FROM lanes WHERE destination IN ?) AND state = ? AND settled_at = 0 AND hold = ?`,
			r.To, due, part, Waiting, r.From).Error
		if err != nil {
			return fmt.Errorf("hold deliveries: %w", err)
		}
		if err := wake(tx, part, due); err != nil {
			return err
		}
	}
	return nil
}

// wake lets free queues be claimed at a time at which something of them is due.
func wake(tx *gorm.DB, destinations []string, due int64) error {
	err := tx.Exec(`UPDATE lanes SET ready_at = ? WHERE destination IN ? AND lease = '' AND ready_at > ? AND EXISTS
		(SELECT 1 FROM deliveries d WHERE d.lane = lanes.id AND d.state = ? AND d.settled_at = 0 AND d.due_at <= ?)`,
		due, destinations, due, Waiting, due).Error
	if err != nil {
		return fmt.Errorf("wake destinations: %w", err)
	}
	return nil
}

// CountHeld counts what has one of holds and was added since a time, by state: what is owed, was sent or was silenced.
func (o *Outbox) CountHeld(ctx context.Context, destinations, holds []string, since time.Time) (map[State]int, error) {
	counts := map[State]int{}
	for part := range slices.Chunk(destinations, chunk) {
		var found []struct {
			State State
			Count int
		}
		err := o.reader.WithContext(ctx).Raw(`SELECT state, count(*) AS count FROM deliveries
			WHERE lane IN (SELECT id FROM lanes WHERE destination IN ?) AND hold IN ? AND added_at >= ?
			GROUP BY state`, part, holds, max(0, stamp(since))).
			Scan(&found).Error
		if err != nil {
			return nil, fmt.Errorf("count what is held: %w", err)
		}
		for _, f := range found {
			counts[f.State] += f.Count
		}
	}
	return counts, nil
}

// SendNow is Flush in a transaction of its own, and Notify.
func (o *Outbox) SendNow(ctx context.Context, destination string) error {
	err := o.writer.WithContext(ctx).Transaction(func(tx *gorm.DB) error { return o.Flush(tx, destination) })
	if err == nil {
		o.Notify()
	}
	return err
}

// Flush makes everything that waits for a destination due now, in the caller's transaction, for "send now": its owner
// has asked for it, so it passes what a Gate holds (see Asked). Retries keep their time. Call Notify after the commit.
func (o *Outbox) Flush(tx *gorm.DB, destination string) error { return o.flush(tx, destination, Asked) }

// GoOn is Flush in a transaction of its own, and Notify, for a schedule that was changed: nobody has asked for what
// waits to pass a Gate.
func (o *Outbox) GoOn(ctx context.Context, destination string) error {
	err := o.writer.WithContext(ctx).Transaction(func(tx *gorm.DB) error { return o.flush(tx, destination, "") })
	if err == nil {
		o.Notify()
	}
	return err
}

func (o *Outbox) flush(tx *gorm.DB, destination, hold string) error {
	var found []queue
	if err := tx.Where("destination = ?", destination).Order("backend").Find(&found).Error; err != nil {
		return fmt.Errorf("find destination: %w", err)
	}
	for _, q := range found {
		queues, err := o.lockQueues(tx, []Delivery{{Backend: q.Backend, Destination: q.Destination}})
		if err != nil {
			return err
		}
		now := stamp(o.shared())
		err = tx.Exec(`UPDATE deliveries SET due_at = CASE WHEN due_at > ? THEN ? ELSE due_at END, hold = ?
			WHERE lane = ? AND state = ? AND settled_at = 0 AND parcel = ''`, now, now, hold, q.ID, Waiting).Error
		if err != nil {
			return fmt.Errorf("flush destination: %w", err)
		}
		for _, locked := range queues {
			locked.ready(now)
		}
		if err := saveQueues(tx, queues); err != nil {
			return err
		}
	}
	return nil
}
