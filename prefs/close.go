package prefs

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs/accounts"
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

// remove deletes a destination with all that hangs on it, and returns the filters that it switched off.
func (s *Destinations) remove(tx *gorm.DB, gone destinationRow, why string) (off []uint, err error) {
	if err := changed(tx.Where("id = ?", gone.ID).Delete(&destinationRow{})); err != nil {
		return nil, err
	}
	if err := s.logins.EndByDestination(tx, gone.ID); err != nil {
		return nil, err
	}
	err = s.note(tx, gone.UserID, accounts.DestinationDelete, object("destination", gone.ID), gone.fields(), nil)
	if err != nil {
		return nil, err
	}
	if err := s.tell(tx, gone.UserID, ofDestinations); err != nil {
		return nil, err
	}
	if err := s.touchUser(tx, gone.UserID); err != nil {
		return nil, err
	}
	if off, err = s.switchOffReachless(tx, gone.UserID); err != nil {
		return nil, err
	}
	return off, s.wipe(tx, []destinationRow{gone}, why)
}

// switchOffReachless switches off the filters of a user whose chosen destinations are gone, and returns them.
func (s *Destinations) switchOffReachless(tx *gorm.DB, userID uint) (off []uint, err error) {
	var lost []filterRow
	err = tx.Where("user_id = ? AND is_on AND chosen AND NOT EXISTS "+
		"(SELECT 1 FROM filter_destinations fd WHERE fd.filter_id = filters.id)", userID).Order("id").Find(&lost).Error
	if err != nil {
		return nil, err
	}
	for _, f := range lost {
		if err := tx.Model(&filterRow{}).Where("id = ?", f.ID).UpdateColumn("is_on", false).Error; err != nil {
			return nil, err
		}
		err := s.note(tx, userID, accounts.FilterOff, object("filter", f.ID), f.switched(true), f.switched(false))
		if err != nil {
			return nil, err
		}
		off = append(off, f.ID)
	}
	return off, nil
}

// Resend sends a delivery that was given up again, at once: alone, or together with the other waiting deliveries of
// its destination. It must belong to the user; with userID 0, for operators, it may belong to anybody. The error is
// outbox.ErrNotFound when the delivery is not dead or belongs to somebody else. It is outbox.ErrUnsendable, with the
// reason, when the destination is closed or the text was wiped.
func (s *Destinations) Resend(ctx context.Context, o *outbox.Outbox, userID uint, id int64, together bool) error {
	err := s.write(ctx, "send again", func(tx *gorm.DB) error {
		// so that nobody closes the destination in the meantime
		if err := lockDeliveries(tx, "pg_advisory_xact_lock_shared"); err != nil {
			return err
		}
		letter, err := o.DeadLetter(tx, id)
		if err != nil {
			return err
		}
		if err := checkTarget(tx, letter.Destination, userID); err != nil {
			return err
		}
		if err := o.Resend(tx, id, together); err != nil {
			return err
		}
		return s.noteResend(tx, letter.Destination, id)
	})
	if err == nil {
		o.Notify()
	}
	return err
}

// noteResend makes the entry of the audit for its owner; account mail has none.
func (s *Destinations) noteResend(tx *gorm.DB, key string, delivery int64) error {
	id, err := strconv.ParseUint(key, 10, 64)
	if err != nil {
		return nil
	}
	var to destinationRow
	if err := tx.Where("id = ?", id).Take(&to).Error; err != nil {
		return err
	}
	return s.note(tx, to.UserID, accounts.NoticeResend, "notice "+strconv.FormatInt(delivery, 10), nil,
		accounts.Fields{"destination": to.place()})
}

// checkTarget returns the reason why a destination accepts no notices; nil when it does, or is not in this store.
func checkTarget(tx *gorm.DB, key string, userID uint) error {
	id, err := strconv.ParseUint(key, 10, 64)
	if err != nil {
		if userID != 0 {
			return outbox.ErrNotFound
		}
		return nil // account mail, which the outbox checks itself
	}
	var to destinationRow
	err = tx.Where("id = ?", id).Take(&to).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		if userID != 0 {
			return outbox.ErrNotFound
		}
		return fmt.Errorf("%w: its destination was deleted", outbox.ErrUnsendable)
	}
	if err != nil {
		return err
	}
	return to.checkTarget(userID)
}

func (r destinationRow) checkTarget(userID uint) error {
	switch {
	case userID != 0 && r.UserID != userID:
		return outbox.ErrNotFound
	case !r.Confirmed:
		return fmt.Errorf("%w: its destination is not confirmed", outbox.ErrUnsendable)
	case r.Disabled != "":
		return fmt.Errorf("%w: its destination was switched off, because of: %s", outbox.ErrUnsendable, r.Disabled)
	case !r.IsOn:
		return fmt.Errorf("%w: its destination is switched off", outbox.ErrUnsendable)
	}
	return nil
}
