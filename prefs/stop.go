package prefs

import (
	"context"

	"gorm.io/gorm"
)

// Target gives what an action is about, for the page that asks before it acts; the Filter is zero where all that goes to
// the destination is meant. ErrNotFound when one of them is gone.
func (s *Store) Target(ctx context.Context, a Action) (Destination, Filter, error) {
	var row destinationRow
	if err := s.read(ctx).Where("id = ?", a.Destination).Take(&row).Error; err != nil {
		return Destination{}, Filter{}, named("read destination", err)
	}
	if a.Filter == 0 {
		return row.destination(), Filter{}, nil
	}
	f, err := s.Filter(ctx, row.UserID, a.Filter)
	return row.destination(), f, err
}

// Stop does what a signed link stands for: the filter no longer reaches the destination, and is switched off when it
// reaches no other; or the destination is switched off. Doing it twice changes nothing more.
func (s *Store) Stop(ctx context.Context, a Action) error {
	return s.act(ctx, a, false)
}

// Unstop undoes Stop: the filter is on and reaches the destination; or the destination is on.
func (s *Store) Unstop(ctx context.Context, a Action) error {
	return s.act(ctx, a, true)
}

func (s *Store) act(ctx context.Context, a Action, on bool) error {
	return s.close(ctx, "follow a signed link", func(tx *gorm.DB) error {
		var to destinationRow
		if err := tx.Where("id = ?", a.Destination).Take(&to).Error; err != nil {
			return err
		}
		if _, err := lock(tx, to.UserID); err != nil {
			return err
		}
		if a.Filter == 0 {
			if err := tx.Model(&destinationRow{}).Where("id = ?", to.ID).Update("is_on", on).Error; err != nil {
				return err
			}
			if err := s.touchUser(tx, to.UserID); err != nil || on {
				return err
			}
			return s.closed(tx, "stopped by a link", to.ID)
		}
		var f filterRow
		if err := tx.Where("id = ? AND user_id = ?", a.Filter, to.UserID).Take(&f).Error; err != nil {
			return err
		}
		if err := s.touchFilter(tx, a.Filter); err != nil {
			return err
		}
		if on {
			return reach(tx, f, to)
		}
		return avoid(tx, f, to)
	})
}

// avoid takes a destination from a filter. One that reached all of the user's destinations reaches all others from now
// on, not those that are added later.
func avoid(tx *gorm.DB, f filterRow, to destinationRow) error {
	if !f.Chosen {
		err := tx.Exec("INSERT INTO filter_destinations (filter_id, destination_id) "+
			"SELECT ?, id FROM destinations WHERE user_id = ? AND confirmed", f.ID, f.UserID).Error
		if err != nil {
			return err
		}
	}
	err := tx.Where("filter_id = ? AND destination_id = ?", f.ID, to.ID).Delete(&filterDestinationRow{}).Error
	if err != nil {
		return err
	}
	var left int64
	if err := tx.Model(&filterDestinationRow{}).Where("filter_id = ?", f.ID).Count(&left).Error; err != nil {
		return err
	}
	set := map[string]any{"chosen": true}
	if left == 0 {
		set["is_on"] = false
	}
	return tx.Model(&filterRow{}).Where("id = ?", f.ID).Updates(set).Error
}

func reach(tx *gorm.DB, f filterRow, to destinationRow) error {
	if f.Chosen {
		err := tx.Exec("INSERT INTO filter_destinations (filter_id, destination_id) VALUES (?, ?) ON CONFLICT DO NOTHING",
			f.ID, to.ID).Error
		if err != nil {
			return err
		}
	}
	return tx.Model(&filterRow{}).Where("id = ?", f.ID).Update("is_on", true).Error
}
