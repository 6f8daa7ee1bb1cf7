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

// Flush makes everything that waits for a destination due now, in the caller's transaction: for "send now" and for
// a schedule that was changed. Retries keep their time. Call Notify after the commit.
func (o *Outbox) Flush(tx *gorm.DB, destination string) error {
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
		err = tx.Exec(`UPDATE deliveries SET due_at = ? WHERE lane = ? AND state = ? AND parcel = '' AND due_at > ?`,
			now, q.ID, Waiting, now).Error
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
