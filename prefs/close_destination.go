package prefs

import (
	"context"

	"gorm.io/gorm"
)

// close is change for a change that closes destinations. On PostgreSQL it waits for the transactions that have read
// the revision and will store deliveries by it (see Revision), and blocks later ones, so that it can cancel all
// deliveries. It takes the lock of deliveries before the row of the revision, since those transactions may lock that
// row too.
func (c *core) close(ctx context.Context, verb string, f func(tx *gorm.DB) error) error {
	return c.write(ctx, verb, func(tx *gorm.DB) error {
		if err := lockDeliveries(tx, "pg_advisory_xact_lock"); err != nil {
			return err
		}
		if err := c.raiseRevision(tx); err != nil {
			return err
		}
		return f(tx)
	})
}

// lockDeliveries takes the lock between closing destinations (exclusive) and storing deliveries (shared), until the
// end of the transaction. SQLite has one writer and needs no lock.
func lockDeliveries(tx *gorm.DB, lock string) error {
	if tx.Name() != "postgres" {
		return nil
	}
	return tx.Exec("SELECT " + lock + "(hashtextextended('notifyd deliveries', 0))").Error
}

// cancelOwed cancels the deliveries to destinations. Every change that closes destinations calls it last.
func (c *core) cancelOwed(tx *gorm.DB, why string, ids ...uint) error {
	if len(ids) == 0 {
		return nil
	}
	keys := make([]string, len(ids))
	for i, id := range ids {
		keys[i] = Key(id)
	}
	return c.onClose(tx, keys, why)
}
