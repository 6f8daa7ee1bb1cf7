package prefs

import (
	"context"

	"gorm.io/gorm"
)

// close is change for what closes destinations. On PostgreSQL it waits for the transactions that read the revision and
// are going to store deliveries by it (see Revision), and holds up the next ones: what they store is there to be ended.
// The lock comes before the row of the revision, which those transactions may want too.
func (c *core) close(ctx context.Context, verb string, f func(tx *gorm.DB) error) error {
	return c.write(ctx, verb, func(tx *gorm.DB) error {
		if err := order(tx, "pg_advisory_xact_lock"); err != nil {
			return err
		}
		if err := c.bump(tx); err != nil {
			return err
		}
		return f(tx)
	})
}

// order takes the lock between those who close and those who deliver, until the end of the transaction. SQLite has one
// writer and needs none.
func order(tx *gorm.DB, lock string) error {
	if tx.Name() != "postgres" {
		return nil
	}
	return tx.Exec("SELECT " + lock + "(hashtextextended('notifyd deliveries', 0))").Error
}

// closed is called by every change after which nothing may go to the destinations.
func (c *core) closed(tx *gorm.DB, why string, ids ...uint) error {
	if len(ids) == 0 {
		return nil
	}
	keys := make([]string, len(ids))
	for i, id := range ids {
		keys[i] = Key(id)
	}
	return c.onClose(tx, keys, why)
}
