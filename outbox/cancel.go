package outbox

import (
	"context"
	"fmt"
	"slices"

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
			WHERE destination IN ? AND state IN ?`,
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
