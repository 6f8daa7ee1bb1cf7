package prefs

import (
	"context"

	"gorm.io/gorm"
)

// erase is close for a change that deletes destinations. After the commit it tells Config.AfterErase, so that what is
// to be done outside of the transaction is done at once.
func (c *core) erase(ctx context.Context, verb string, f func(tx *gorm.DB) error) error {
	err := c.close(ctx, verb, f)
	if err == nil {
		c.afterErase(ctx)
	}
	return err
}

// wipe has everything wiped that is stored of destinations, which the transaction has deleted. Every change that
// deletes destinations calls it last.
func (c *core) wipe(tx *gorm.DB, gone []destinationRow, why string) error {
	if len(gone) == 0 {
		return nil
	}
	list := make([]Destination, len(gone))
	ids := make([]uint, len(gone))
	for i, r := range gone {
		list[i], ids[i] = r.destination(), r.ID
		if err := c.mailed.EndDestination(tx, r.ID); err != nil {
			return err
		}
		if r.Confirmed { // or the address may be another person's
			if err := c.mailed.Forget(tx, r.Backend, r.Address); err != nil {
				return err
			}
		}
	}
	if c.onErase == nil {
		return c.cancelOwed(tx, why, ids...)
	}
	return c.onErase(tx, list)
}
