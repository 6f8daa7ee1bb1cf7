package prefs

import (
	"context"
	"maps"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/prefs/links"
	"github.com/notifyd/notifyd/rulespec"
)

// An Unsubscriber performs the actions of signed links. Nobody signs in: the link is the right to act; see package
// links.
type Unsubscriber struct{ *core }

// Subject returns the destination and the filter of a link, for the page that asks before it acts. The Filter is zero
// where the link concerns all notices to the destination. The error is ErrNotFound when one of them is gone.
func (s *Unsubscriber) Subject(ctx context.Context, t links.Target) (Destination, Filter, error) {
	var row destinationRow
	if err := s.read(ctx).Where("id = ?", t.Destination).Take(&row).Error; err != nil {
		return Destination{}, Filter{}, explain("read destination", err)
	}
	if t.Filter == 0 {
		return row.destination(), Filter{}, nil
	}
	f, err := s.filter(ctx, row.UserID, t.Filter)
	return row.destination(), f, err
}

// Unsubscribe performs the action of a link. With a filter, the filter no longer reaches the destination, and is
// switched off when it reaches no other. Without one, the destination is switched off, and its waiting deliveries are
// cancelled. Unsubscribe is idempotent: a second call changes nothing.
func (s *Unsubscriber) Unsubscribe(ctx context.Context, t links.Target) (links.Change, error) {
	did := links.Change{Target: t}
	err := s.withTarget(ctx, t, func(tx *gorm.DB, to destinationRow, f filterRow) error {
		if t.Filter == 0 {
			did.SwitchedOff = to.IsOn
			if err := s.switchByLink(tx, to, accounts.DestinationOff, false); err != nil {
				return err
			}
			return s.cancelOwed(tx, "stopped by a link", to.ID)
		}
		return s.filterByLink(tx, f, accounts.FilterDetach, func() (err error) {
			did.Detached, did.SwitchedOff, err = detach(tx, f, to)
			return err
		})
	})
	if err != nil {
		return links.Change{}, err
	}
	return did, nil
}

// Undo reverts the changes of an Unsubscribe, and nothing else: a filter that was off before stays off.
func (s *Unsubscriber) Undo(ctx context.Context, did links.Change) error {
	return s.withTarget(ctx, did.Target, func(tx *gorm.DB, to destinationRow, f filterRow) error {
		if did.Filter == 0 {
			if !did.SwitchedOff {
				return nil
			}
			return s.switchByLink(tx, to, accounts.DestinationOn, true)
		}
		return s.filterByLink(tx, f, accounts.FilterAttach, func() error {
			if did.Detached && f.Chosen {
				err := tx.Exec("INSERT INTO filter_destinations (filter_id, destination_id) VALUES (?, ?) "+
					"ON CONFLICT DO NOTHING", f.ID, to.ID).Error
				if err != nil {
					return err
				}
			}
			if !did.SwitchedOff {
				return nil
			}
			return tx.Model(&filterRow{}).Where("id = ?", f.ID).
				Updates(map[string]any{"is_on": true, "off_reason": "", "off_by": ""}).Error
		})
	})
}

// switchByLink switches a destination, and notes it where that changes it: a link may be opened twice.
func (s *Unsubscriber) switchByLink(tx *gorm.DB, to destinationRow, what accounts.What, on bool) error {
	if to.IsOn == on {
		return nil
	}
	return s.destinationChange(tx, accounts.Link, to.ID, what, func(destinationRow) error {
		set := map[string]any{"is_on": on, "off_reason": ""}
		return tx.Model(&destinationRow{}).Where("id = ?", to.ID).Updates(set).Error
	})
}

// filterByLink runs change, and notes what it has changed about a filter, if anything.
func (s *Unsubscriber) filterByLink(tx *gorm.DB, f filterRow, what accounts.What, change func() error) error {
	id := rulespec.FilterID(f.ID)
	before, err := s.filterFields(tx, f.UserID, id)
	if err != nil {
		return err
	}
	if err := change(); err != nil {
		return err
	}
	after, err := s.filterFields(tx, f.UserID, id)
	if err != nil || maps.Equal(before, after) {
		return err
	}
	return s.noteBy(tx, accounts.Link, f.UserID, what, object("filter", id), before, after)
}

// withTarget runs do in a transaction with the destination and the filter of a link; the filter is zero where the
// link names none.
func (s *Unsubscriber) withTarget(
	ctx context.Context, t links.Target, do func(tx *gorm.DB, to destinationRow, f filterRow) error,
) error {
	return s.close(ctx, "follow a signed link", func(tx *gorm.DB) error {
		var to destinationRow
		if err := tx.Where("id = ?", t.Destination).Take(&to).Error; err != nil {
			return err
		}
		if _, err := lock(tx, to.UserID); err != nil {
			return err
		}
		if t.Filter == 0 {
			if err := s.touchUser(tx, to.UserID); err != nil {
				return err
			}
			if err := s.tell(tx, to.UserID, ofDestinations); err != nil {
				return err
			}
			return do(tx, to, filterRow{})
		}
		var f filterRow
		if err := tx.Where("id = ? AND user_id = ?", t.Filter, to.UserID).Take(&f).Error; err != nil {
			return err
		}
		if err := s.touchFilter(tx, t.Filter); err != nil {
			return err
		}
		if err := s.tell(tx, to.UserID, ofFilters); err != nil {
			return err
		}
		return do(tx, to, f)
	})
}

// detach removes a destination from a filter. A filter that reached all of the user's destinations then reaches the
// other present ones, but not those that are added later.
func detach(tx *gorm.DB, f filterRow, to destinationRow) (detached, off bool, err error) {
	if !f.Chosen {
		err := tx.Exec("INSERT INTO filter_destinations (filter_id, destination_id) "+
			"SELECT ?, id FROM destinations WHERE user_id = ? AND confirmed", f.ID, f.UserID).Error
		if err != nil {
			return false, false, err
		}
	}
	done := tx.Where("filter_id = ? AND destination_id = ?", f.ID, to.ID).Delete(&filterDestinationRow{})
	if done.Error != nil {
		return false, false, done.Error
	}
	var left int64
	if err := tx.Model(&filterDestinationRow{}).Where("filter_id = ?", f.ID).Count(&left).Error; err != nil {
		return false, false, err
	}
	set := map[string]any{"chosen": true}
	if left == 0 {
		set["is_on"] = false
	}
	return done.RowsAffected > 0, left == 0 && f.IsOn, tx.Model(&filterRow{}).Where("id = ?", f.ID).Updates(set).Error
}

// mostTold bounds the addresses of one person that are told of a stop.
const mostTold = 5

// TellStopped asks that the owner of a destination be told that a link has switched it off, with a link that switches
// it on again: at the addresses of a backend by which the owner may sign in, or else at the destination's own. A mail
// that was passed on has the link that stops everything, so whoever reads it can stop what its owner wants.
func (s *Unsubscriber) TellStopped(ctx context.Context, destination uint, backend string) ([]accounts.Ticket, error) {
	var tickets []accounts.Ticket
	err := s.write(ctx, "tell of a stop", func(tx *gorm.DB) error {
		var to destinationRow
		if err := tx.Where("id = ?", destination).Take(&to).Error; err != nil {
			return err
		}
		var addresses []string
		own := tx.Model(&destinationRow{}).Where("user_id = ? AND backend = ? AND confirmed", to.UserID, backend)
		err := own.Where("sign_in AND disabled = '' OR id = ?", to.ID).Order("sign_in DESC, id").Limit(mostTold).
			Pluck("address", &addresses).Error
		if err != nil {
			return err
		}
		for _, address := range addresses {
			r := accounts.MailRequest{Purpose: accounts.MailStopped, User: to.UserID, Destination: to.ID, Backend: backend,
				Address: address}
			ticket, err := s.mailed.Ask(tx, r, s.mailed.OwnLimits(to.UserID)...)
			if err != nil {
				return err
			}
			if ticket.Ref != "" {
				tickets = append(tickets, ticket)
			}
		}
		return nil
	})
	return tickets, err
}

// Stopped returns what a link can take back that told of a stop, and changes nothing. The error is links.ErrToken where
// it is none, was used or is too old.
func (s *Unsubscriber) Stopped(ctx context.Context, secret string) (links.Change, error) {
	r, err := s.mailed.Find(ctx, accounts.MailStopped, secret)
	if err != nil {
		if err == accounts.ErrCode {
			err = links.ErrToken
		}
		return links.Change{}, explain("find link", err)
	}
	return links.Change{Target: links.Target{Destination: r.Destination}, SwitchedOff: true}, nil
}

// Used ends a link that told of a stop, with its copies.
func (s *Unsubscriber) Used(ctx context.Context, secret string) error {
	return s.write(ctx, "use link", func(tx *gorm.DB) error {
		_, err := s.mailed.Use(tx, accounts.MailStopped, secret)
		return err
	})
}
