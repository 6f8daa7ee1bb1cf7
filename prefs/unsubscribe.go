package prefs

import (
	"context"

	"gorm.io/gorm"
)

// An Unsubscriber does what the signed links in notices stand for, without anybody signing in.
type Unsubscriber struct{ *core }

// Target gives what an action is about, for the page that asks before it acts; the Filter is zero where all that goes to
// the destination is meant. ErrNotFound when one of them is gone.
func (s *Unsubscriber) Target(ctx context.Context, a Action) (Destination, Filter, error) {
	var row destinationRow
	if err := s.read(ctx).Where("id = ?", a.Destination).Take(&row).Error; err != nil {
		return Destination{}, Filter{}, named("read destination", err)
	}
	if a.Filter == 0 {
		return row.destination(), Filter{}, nil
	}
	f, err := s.filter(ctx, row.UserID, a.Filter)
	return row.destination(), f, err
}

// A Stopped is what a Stop has changed, and so all that taking it back may change.
type Stopped struct {
	Action
	Detached bool // the filter reached the destination
	Off      bool // the filter, or the destination where there is none, was on and was switched off
}

// Any says whether the Stop changed anything.
func (s Stopped) Any() bool { return s.Detached || s.Off }

// Stop does what a signed link stands for: the filter no longer reaches the destination, and is switched off when it
// reaches no other; or the destination is switched off, and what waits for it ends. Doing it twice changes nothing more.
func (s *Unsubscriber) Stop(ctx context.Context, a Action) (Stopped, error) {
	did := Stopped{Action: a}
	err := s.follow(ctx, a, func(tx *gorm.DB, to destinationRow, f filterRow) error {
		if a.Filter == 0 {
			did.Off = to.IsOn
			if err := tx.Model(&destinationRow{}).Where("id = ?", to.ID).Update("is_on", false).Error; err != nil {
				return err
			}
			return s.closed(tx, "stopped by a link", to.ID)
		}
		var err error
		did.Detached, did.Off, err = avoid(tx, f, to)
		return err
	})
	if err != nil {
		return Stopped{}, err
	}
	return did, nil
}

// Unstop takes back what a Stop has changed, and nothing else: a filter that was off before stays off.
func (s *Unsubscriber) Unstop(ctx context.Context, did Stopped) error {
	return s.follow(ctx, did.Action, func(tx *gorm.DB, to destinationRow, f filterRow) error {
		if did.Detached && f.Chosen {
			err := tx.Exec("INSERT INTO filter_destinations (filter_id, destination_id) VALUES (?, ?) ON CONFLICT DO NOTHING",
				f.ID, to.ID).Error
			if err != nil {
				return err
			}
		}
		if !did.Off {
			return nil
		}
		if did.Filter == 0 {
			return tx.Model(&destinationRow{}).Where("id = ?", to.ID).Update("is_on", true).Error
		}
		return tx.Model(&filterRow{}).Where("id = ?", f.ID).Update("is_on", true).Error
	})
}

// follow runs f in a transaction with what an action is about; the filter is zero where it is about none.
func (s *Unsubscriber) follow(ctx context.Context, a Action, do func(tx *gorm.DB, to destinationRow, f filterRow) error) error {
	return s.close(ctx, "follow a signed link", func(tx *gorm.DB) error {
		var to destinationRow
		if err := tx.Where("id = ?", a.Destination).Take(&to).Error; err != nil {
			return err
		}
		if _, err := lock(tx, to.UserID); err != nil {
			return err
		}
		if a.Filter == 0 {
			if err := s.touchUser(tx, to.UserID); err != nil {
				return err
			}
			return do(tx, to, filterRow{})
		}
		var f filterRow
		if err := tx.Where("id = ? AND user_id = ?", a.Filter, to.UserID).Take(&f).Error; err != nil {
			return err
		}
		if err := s.touchFilter(tx, a.Filter); err != nil {
			return err
		}
		return do(tx, to, f)
	})
}

// avoid takes a destination from a filter. One that reached all of the user's destinations reaches all others from now
// on, not those that are added later.
func avoid(tx *gorm.DB, f filterRow, to destinationRow) (detached, off bool, err error) {
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
