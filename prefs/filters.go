package prefs

import (
	"context"
	"slices"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/prefs/revisions"
	"github.com/notifyd/notifyd/rulespec"
)

// maxFilters bounds the filters of one user.
const maxFilters = 200

// Filters stores the filters of the users.
type Filters struct{ *core }

// List returns a user's filters, in the order in which they were made; broken ones too.
func (s *Filters) List(ctx context.Context, userID uint) ([]Filter, error) {
	return s.filters(ctx, userID, "filters.user_id = ?", userID)
}

// Get returns one of a user's filters.
func (s *Filters) Get(ctx context.Context, userID uint, id rulespec.FilterID) (Filter, error) {
	return s.filter(ctx, userID, id)
}

func (c *core) filter(ctx context.Context, userID uint, id rulespec.FilterID) (Filter, error) {
	found, err := c.filters(ctx, userID, "filters.user_id = ? AND filters.id = ?", userID, id)
	if err == nil && len(found) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return Filter{}, err
	}
	return found[0], nil
}

// filters reads filters of one user, with their destinations. It always takes four statements.
func (c *core) filters(ctx context.Context, userID uint, where string, args ...any) ([]Filter, error) {
	owner, err := c.userByID(ctx, userID)
	if err != nil {
		return nil, err
	}
	var rows []filterRow
	if err := c.read(ctx).Where(where, args...).Order("id").Find(&rows).Error; err != nil {
		return nil, explain("read filters", err)
	}
	var links []filterDestinationRow
	err = c.read(ctx).Joins("JOIN filters ON filters.id = filter_destinations.filter_id").Where(where, args...).
		Order("destination_id").Find(&links).Error
	if err != nil {
		return nil, explain("read destinations of filters", err)
	}
	own, err := schedulesOf(c.read(ctx).Joins("JOIN filters ON filters.id = filter_schedules.filter_id").
		Where(where, args...))
	if err != nil {
		return nil, explain("read schedules of filters", err)
	}
	chosen := byFilter(links)
	all := make([]Filter, len(rows))
	for i, r := range rows {
		all[i] = r.filter(c.env(), c.me(owner), chosen[r.ID])
		all[i].Schedules = own[r.ID]
	}
	return all, nil
}

// Save makes a filter (ID 0), or changes one of the user's. It checks the rules first and returns their mistakes as
// *rulespec.Error. The owner is the user, regardless of f.Owner. Save returns the filter as it is stored.
func (s *Filters) Save(ctx context.Context, userID uint, f Filter) (Filter, error) {
	f.UserID, f.Broken = userID, ""
	f.Destinations = slices.Compact(slices.Sorted(slices.Values(f.Destinations)))
	err := s.change(ctx, "save filter", func(tx *gorm.DB) error {
		owner, err := lock(tx, userID)
		if err != nil {
			return err
		}
		f.Owner = s.me(owner.user())
		row, err := s.newFilterRow(f)
		if err != nil {
			return err
		}
		err = s.filterChange(tx, userID, &f.ID, accounts.FilterSave, func() error {
			if err := s.store(tx, &row); err != nil {
				return err
			}
			f.ID = rulespec.FilterID(row.ID)
			return setDestinations(tx, row.ID, userID, f.Destinations)
		})
		if err != nil {
			return err
		}
		stored := tx.Model(&filterRow{}).Select("expensive").Where("id = ?", row.ID)
		if err := stored.Scan(&row.Expensive).Error; err != nil {
			return err
		}
		f.Broken = tooExpensive(row.Expensive)
		if f.Broken == "" && f.Owner == "" && rulespec.SaysMe(f.Rules) {
			f.Broken, f.Nameless = nameless, true
		}
		if err := s.touchFilter(tx, f.ID); err != nil {
			return err
		}
		return s.tell(tx, userID, ofFilters)
	})
	if err != nil {
		return Filter{}, err
	}
	return f, nil
}

// store inserts or updates a row. The caller must have locked the user.
func (s *Filters) store(tx *gorm.DB, row *filterRow) error {
	if err := checkTexts(tx, row); err != nil {
		return err
	}
	if row.ID != 0 {
		if err := clearExpensive(tx, row); err != nil {
			return err
		}
		set := []string{"name", "rules", "is_on", "one_shot", "chosen", "hold_started", "updated_at", "ends_at"}
		if row.IsOn {
			set = append(set, "off_reason", "off_by") // an operator's reason, for what is on again
		}
		err := changed(tx.Model(&filterRow{}).Where("id = ? AND user_id = ?", row.ID, row.UserID).Select(set).Updates(row))
		if err != nil {
			return err
		}
		return s.keepRevision(tx, row)
	}
	var count int64
	if err := tx.Model(&filterRow{}).Where("user_id = ?", row.UserID).Count(&count).Error; err != nil {
		return err
	}
	if count >= maxFilters {
		return ErrTooMany
	}
	if err := tx.Create(row).Error; err != nil {
		return err
	}
	return s.keepRevision(tx, row)
}

// keepRevision notes what a filter is called and says now.
func (s *core) keepRevision(tx *gorm.DB, row *filterRow) error {
	var owner userRow
	if err := tx.Where("id = ?", row.UserID).Take(&owner).Error; err != nil {
		return err
	}
	said := revisions.Said{Filter: uint64(row.ID), User: uint64(row.UserID), Name: row.Name, Rules: row.Rules}
	if f := row.filter(rulespec.Env{}, s.me(owner.user()), nil); f.Broken == "" {
		said.Sentence = s.sentence(f.Filter)
	}
	return revisions.Keep(tx, s.micro(), said)
}

// setDestinations sets the destinations of a filter; each must belong to the user.
func setDestinations(tx *gorm.DB, filterID, userID uint, ids []uint) error {
	if err := tx.Where("filter_id = ?", filterID).Delete(&filterDestinationRow{}).Error; err != nil {
		return err
	}
	if len(ids) == 0 {
		return nil
	}
	if len(ids) > maxDestinations {
		return problem("destinations", "are more than %d", maxDestinations)
	}
	done := tx.Exec("INSERT INTO filter_destinations (filter_id, destination_id) "+
		"SELECT ?, id FROM destinations WHERE user_id = ? AND id IN ?", filterID, userID, ids)
	if done.Error == nil && done.RowsAffected != int64(len(ids)) {
		return ErrNotFound
	}
	return done.Error
}

// Copy makes a copy of one of the user's filters, switched off, so that the user can edit it. A broken filter is
// copied unchanged.
func (s *Filters) Copy(ctx context.Context, userID uint, id rulespec.FilterID) (Filter, error) {
	var row filterRow
	err := s.change(ctx, "copy filter", func(tx *gorm.DB) error {
		if _, err := lock(tx, userID); err != nil {
			return err
		}
		if err := tx.Where("id = ? AND user_id = ?", id, userID).Take(&row).Error; err != nil {
			return err
		}
		const suffix = " (copy)"
		row.ID, row.IsOn, row.CreatedAt, row.UpdatedAt = 0, false, s.micro(), s.micro()
		row.OffReason, row.OffBy = "", ""
		row.Name = text.CutBytes(row.Name, rulespec.MaxValue-len(suffix)) + suffix
		if err := s.store(tx, &row); err != nil {
			return err
		}
		if err := s.touchFilter(tx, rulespec.FilterID(row.ID)); err != nil {
			return err
		}
		if err := s.tell(tx, userID, ofFilters); err != nil {
			return err
		}
		err := tx.Exec("INSERT INTO filter_destinations (filter_id, destination_id) "+
			"SELECT ?, destination_id FROM filter_destinations WHERE filter_id = ?", row.ID, id).Error
		if err != nil {
			return err
		}
		err = tx.Exec("INSERT INTO filter_schedules (filter_id, destination_id, every, at_count, at_time, weekdays, "+
			"at_once_from, first_at_once) SELECT ?, destination_id, every, at_count, at_time, weekdays, at_once_from, "+
			"first_at_once FROM filter_schedules WHERE filter_id = ?", row.ID, id).Error
		if err != nil {
			return err
		}
		made, err := s.filterFields(tx, userID, rulespec.FilterID(row.ID))
		if err != nil {
			return err
		}
		return s.note(tx, userID, accounts.FilterSave, object("filter", row.ID), nil, made)
	})
	if err != nil {
		return Filter{}, err
	}
	return s.Get(ctx, userID, rulespec.FilterID(row.ID))
}

// SetOn switches one of the user's filters on or off.
func (s *Filters) SetOn(ctx context.Context, userID uint, id rulespec.FilterID, on bool) error {
	return s.change(ctx, "change filter", func(tx *gorm.DB) error {
		var f filterRow
		if err := tx.Where("id = ? AND user_id = ?", id, userID).Take(&f).Error; err != nil {
			return err
		}
		set := map[string]any{"is_on": on, "updated_at": s.micro()}
		if on {
			set["off_reason"], set["off_by"] = "", ""
		}
		err := changed(tx.Model(&filterRow{}).Where("id = ? AND user_id = ?", id, userID).Updates(set))
		if err != nil {
			return err
		}
		if err := s.touchFilter(tx, id); err != nil {
			return err
		}
		if err := s.tell(tx, userID, ofFilters); err != nil {
			return err
		}
		what := accounts.FilterOff
		if on {
			what = accounts.FilterOn
		}
		return s.note(tx, userID, what, object("filter", id), f.switched(f.IsOn), f.switched(on))
	})
}

// Delete deletes one of the user's filters.
func (s *Filters) Delete(ctx context.Context, userID uint, id rulespec.FilterID) error {
	return s.change(ctx, "delete filter", func(tx *gorm.DB) error {
		if err := s.touchFilter(tx, id); err != nil {
			return err
		}
		gone, err := s.filterFields(tx, userID, id)
		if err != nil {
			return err
		}
		if err := changed(tx.Where("id = ? AND user_id = ?", id, userID).Delete(&filterRow{})); err != nil {
			return err
		}
		if err := revisions.End(tx, s.micro(), uint64(id)); err != nil {
			return err
		}
		if err := s.tell(tx, userID, ofFilters); err != nil {
			return err
		}
		return s.note(tx, userID, accounts.FilterDelete, object("filter", id), gone, nil)
	})
}
