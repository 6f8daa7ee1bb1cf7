package prefs

import (
	"context"

	"gorm.io/gorm"
)

// close is change for what closes destinations. On PostgreSQL it waits for the transactions that have read the revision
// and will store deliveries by it (see Revision), and holds up the next ones: so it can cancel all that is owed. It
// takes their lock before the row of the revision, which they may lock too.
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

// lockDeliveries takes the lock between closing destinations (exclusive) and storing deliveries (shared), until the end
// of the transaction. SQLite has one writer and needs none.
func lockDeliveries(tx *gorm.DB, lock string) error {
	if tx.Name() != "postgres" {
		return nil
	}
	return tx.Exec("SELECT " + lock + "(hashtextextended('notifyd deliveries', 0))").Error
}

// cancelOwed cancels what is owed to destinations. Every change that closes destinations calls it last.
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
