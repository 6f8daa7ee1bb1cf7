package prefs

import (
	"cmp"
	"context"
	"errors"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/prefs/returned"
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

// Disable switches a destination off after the server refused its address. It cancels the deliveries to it, stores the
// reason for its owner, and ends what the address was good for: it may be another person's by now, and so it lets
// nobody in any more, even where it was the last way in. It is for the program, not for users. The error is ErrNotFound
// when the destination was deleted.
func (s *Destinations) Disable(ctx context.Context, id uint, why string) error {
	return s.close(ctx, "disable destination", func(tx *gorm.DB) error { return s.disable(tx, id, why) })
}

func (s *Destinations) disable(tx *gorm.DB, id uint, why string) error {
	why = text.CutBytes(text.OneLine(cmp.Or(why, "refused")), maxAddress)
	err := s.destinationChange(tx, accounts.Daemon, id, accounts.DestinationRefuse, func(to destinationRow) error {
		set := map[string]any{"disabled": why, "sign_in": false}
		if err := changed(tx.Model(&destinationRow{}).Where("id = ?", id).Updates(set)); err != nil {
			return err
		}
		if err := s.logins.EndByDestination(tx, id); err != nil {
			return err
		}
		return s.touchUser(tx, to.UserID)
	})
	if err != nil {
		return err
	}
	return s.cancelOwed(tx, why, id)
}

// stop switches a destination off for a reason that its owner reads, as the owner could: it still lets its owner in.
func (s *Destinations) stop(tx *gorm.DB, id uint, why string) error {
	why = text.CutBytes(text.OneLine(why), maxAddress)
	err := s.destinationChange(tx, accounts.Daemon, id, accounts.DestinationOff, func(to destinationRow) error {
		set := map[string]any{"is_on": false, "off_reason": why}
		if err := changed(tx.Model(&destinationRow{}).Where("id = ?", id).Updates(set)); err != nil {
			return err
		}
		if err := s.tell(tx, to.UserID, ofDestinations); err != nil {
			return err
		}
		return s.touchUser(tx, to.UserID)
	})
	if err != nil {
		return err
	}
	return s.cancelOwed(tx, why, id)
}

// A Verdict is how to judge what came back: by which rule, by what was sent, and who is told that a destination is off.
type Verdict struct {
	Rule returned.Rule
	Sent func(tx *gorm.DB, destination string) ([]returned.Sent, error)
	Tell func(tx *gorm.DB, off Destination, others []Destination, why string) error
}

// errEnds ends a transaction that would have to switch a destination off, so that another one can do all of it.
var errEnds = errors.New("the destination ends")

// Returned notes that something came back of what was sent to a destination, and switches it off where that ends it:
// all in one transaction, once, however often it is told. The error is ErrNotFound when the destination was deleted.
func (s *Destinations) Returned(
	ctx context.Context, id uint, e returned.Event, v Verdict,
) (out returned.Outcome, err error) {
	note := func(tx *gorm.DB, ends func(to destinationRow) error) error {
		var to destinationRow
		if err := tx.Where("id = ?", id).Take(&to).Error; err != nil {
			return err
		}
		if out.Again, err = returned.Note(tx, id, e); err != nil || out.Again {
			return err
		}
		events, err := returned.Of(tx, id)
		if err != nil {
			return err
		}
		sent, err := v.Sent(tx, Key(id))
		if err != nil {
			return err
		}
		if out = v.Rule.Judge(events, sent, s.now()); out.Off == "" || !to.IsOn || to.Disabled != "" {
			out.Off = ""
			return nil
		}
		return ends(to)
	}
	err = s.write(ctx, "note returned mail", func(tx *gorm.DB) error {
		return note(tx, func(destinationRow) error { return errEnds })
	})
	if !errors.Is(err, errEnds) {
		return out, err
	}
	return out, s.close(ctx, "end a destination", func(tx *gorm.DB) error {
		return note(tx, func(to destinationRow) error { return s.end(tx, to, out, v) })
	})
}

// end switches a destination off, and tells its owner.
func (s *Destinations) end(tx *gorm.DB, to destinationRow, out returned.Outcome, v Verdict) error {
	off := s.stop
	if out.Forever {
		off = s.disable
	}
	if err := off(tx, to.ID, out.Off); err != nil {
		return err
	}
	var rows []destinationRow
	err := tx.Where("user_id = ? AND id <> ? AND confirmed AND is_on AND disabled = ''", to.UserID, to.ID).Order("id").
		Find(&rows).Error
	if err != nil {
		return err
	}
	others := make([]Destination, len(rows))
	for i, r := range rows {
		others[i] = r.destination()
	}
	return v.Tell(tx, to.destination(), others, out.Off)
}
