package outbox

import (
	"fmt"
	"slices"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/internal/text"
)

// Forget deletes everything that is stored of destinations, in the caller's transaction: what is owed, what was sent
// and what was given up, with addresses and texts, and the queues, whose keys may contain an address. It is for
// destinations that are deleted. What is being sent at this moment still goes, and nothing is written of it.
func (o *Outbox) Forget(tx *gorm.DB, destinations []string) error {
	for part := range slices.Chunk(storable(destinations), chunk) {
		if err := o.lockQueuesOf(tx, part); err != nil {
			return err
		}
		for _, table := range []string{"deliveries", "lanes", "pairs"} {
			if err := tx.Exec("DELETE FROM "+table+" WHERE destination IN ?", part).Error; err != nil {
				return fmt.Errorf("forget destinations: %w", err)
			}
		}
	}
	return nil
}

// ForgetSettled deletes what was sent to destinations and what was given up, and the queues that are empty then.
func (o *Outbox) ForgetSettled(tx *gorm.DB, destinations []string) error {
	for part := range slices.Chunk(storable(destinations), chunk) {
		if err := o.lockQueuesOf(tx, part); err != nil {
			return err
		}
		err := tx.Exec("DELETE FROM deliveries WHERE destination IN ? AND state IN ?", part, []State{Done, Dead}).Error
		if err == nil {
			err = tx.Exec("DELETE FROM lanes WHERE destination IN ? AND NOT EXISTS (SELECT 1 FROM deliveries AS d "+
				"WHERE d.destination = lanes.destination)", part).Error
		}
		if err != nil {
			return fmt.Errorf("forget what is settled: %w", err)
		}
	}
	return nil
}

// storable gives keys as they are stored.
func storable(keys []string) []string {
	list := make([]string, len(keys))
	for i, key := range keys {
		list[i] = text.Storable(key)
	}
	return list
}
