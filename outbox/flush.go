package outbox

import (
	"context"
	"fmt"

	"gorm.io/gorm"
)

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
		queues, err := lockQueues(tx, []Delivery{{Backend: q.Backend, Destination: q.Destination}})
		if err != nil {
			return err
		}
		now := stamp(o.shared())
		err = tx.Exec(`UPDATE deliveries SET due_at = CASE WHEN due_at > ? THEN ? ELSE due_at END, hold = ?
			WHERE lane = ? AND state = ? AND parcel = ''`, now, now, hold, q.ID, Waiting).Error
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
