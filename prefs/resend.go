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
