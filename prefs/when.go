package prefs

import (
	"context"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/prefs/schedule"
	"github.com/notifyd/notifyd/rulespec"
)

// when.go stores when people are told: quiet hours, pauses and the schedules of filters.

// Waiting changes what waits in the outbox, as part of the transaction of a change. *outbox.Outbox is one.
type Waiting interface {
	// Ask has the Gate asked about destinations again, which it said were free.
	Ask(tx *gorm.DB, destinations []string) error
	Defer(tx *gorm.DB, destinations []string, until time.Time, hold string) error
	Release(tx *gorm.DB, destinations, holds []string) error
	Rehold(tx *gorm.DB, destinations []string, r outbox.Rehold) error
	// Sift silences what waits for destinations and for which why says a reason; Restore lets what was silenced wait
	// again whose reason begins with why.
	Sift(tx *gorm.DB, destinations []string, why func(*backends.Notice, []outbox.Reason) string) (int, error)
	Restore(tx *gorm.DB, destinations []string, why string) (int, error)
	Notify() // after the commit
}

// nothingWaits is what a store without an outbox has.
type nothingWaits struct{}

func (nothingWaits) Ask(*gorm.DB, []string) error                      { return nil }
func (nothingWaits) Defer(*gorm.DB, []string, time.Time, string) error { return nil }
func (nothingWaits) Release(*gorm.DB, []string, []string) error        { return nil }
func (nothingWaits) Rehold(*gorm.DB, []string, outbox.Rehold) error    { return nil }
func (nothingWaits) Sift(*gorm.DB, []string, func(*backends.Notice, []outbox.Reason) string) (int, error) {
	return 0, nil
}
func (nothingWaits) Restore(*gorm.DB, []string, string) (int, error) { return 0, nil }
func (nothingWaits) Notify()                                         {}

// SetQuiet sets the quiet hours of a user, for all destinations. What earlier ones hold is due, and waits again where
// the new ones hold it. A mistake is a *schedule.Error.
func (s *Accounts) SetQuiet(ctx context.Context, id uint, q schedule.Quiet) error {
	return s.when(ctx, id, accounts.AccountQuiet, func(tx *gorm.DB, was userRow, own []destinationRow) error {
		for _, d := range own {
			if err := q.And(schedule.StoredQuiet(d.Quiet)).Check(); err != nil {
				return err
			}
		}
		return tx.Model(&userRow{}).Where("id = ?", id).Update("quiet", q.String()).Error
	}, func(tx *gorm.DB, keys []string) error {
		return s.waiting.Release(tx, keys, []string{schedule.HeldByQuiet})
	})
}

// Pause stops everything to a user until p.Until, or changes the end of a pause that lasts. What waits for a digest
// already is held too, and is kept in any case. A mistake is a *schedule.Error.
func (s *Accounts) Pause(ctx context.Context, id uint, p schedule.Pause) error {
	now := s.now()
	if err := p.Check(now); err != nil {
		return err
	}
	var before schedule.Pause
	end := p.Until
	return s.when(ctx, id, accounts.AccountPause, func(tx *gorm.DB, row userRow, _ []destinationRow) error {
		was := row.user()
		before, p.Since, end = was.Pause, now, was.Quiet.End(p.Until, was.Location())
		if before.On(now) {
			p.Since = before.Since
		}
		return setPause(tx, id, p)
	}, func(tx *gorm.DB, keys []string) error {
		if before.On(now) {
			if err := s.changeHeld(tx, keys, p, end); err != nil {
				return err
			}
		}
		return s.waiting.Defer(tx, keys, end, schedule.HeldBefore)
	})
}

// changeHeld changes what a pause holds, after its end or its choice was changed.
func (s *Accounts) changeHeld(tx *gorm.DB, keys []string, p schedule.Pause, end time.Time) error {
	hold := schedule.HeldByPause
	if p.Drop {
		hold = schedule.HeldToDrop
	}
	changes := []outbox.Rehold{{From: schedule.HeldByPause, To: hold, Due: end}, {From: schedule.HeldToDrop, To: hold,
		Due: end}, {From: schedule.HeldBefore, To: schedule.HeldBefore, Due: end}}
	for _, c := range changes {
		if err := s.waiting.Rehold(tx, keys, c); err != nil {
			return err
		}
	}
	return nil
}

// Resume ends a pause. What it holds goes in one digest, or with drop what came since it began is thrown away. The
// error is ErrNotFound where nothing is paused.
func (s *Accounts) Resume(ctx context.Context, id uint, drop bool) error {
	now := s.now()
	var p schedule.Pause
	return s.when(ctx, id, accounts.AccountResume, func(tx *gorm.DB, row userRow, _ []destinationRow) error {
		if p = row.user().Pause; !p.On(now) {
			return ErrNotFound
		}
		p.Until, p.Drop, p.Resumed = now, drop, true
		return setPause(tx, id, p)
	}, func(tx *gorm.DB, keys []string) error {
		if err := s.changeHeld(tx, keys, p, now); err != nil {
			return err
		}
		return s.waiting.Release(tx, keys, []string{schedule.HeldByPause, schedule.HeldBefore})
	})
}

func setPause(tx *gorm.DB, id uint, p schedule.Pause) error {
	return tx.Model(&userRow{}).Where("id = ?", id).Updates(map[string]any{"pause_since": p.Since.UnixMicro(),
		"pause_until": p.Until.UnixMicro(), "pause_end": p.End(), "pause_strict": p.Strict}).Error
}

// when is a change of when a user is told: set changes the user, and then waiting changes what waits.
func (s *Accounts) when(ctx context.Context, id uint, what accounts.What,
	set func(tx *gorm.DB, was userRow, own []destinationRow) error, waiting func(tx *gorm.DB, keys []string) error) error {
	err := s.change(ctx, "change when "+string(what), func(tx *gorm.DB) error {
		was, err := lock(tx, id)
		if err != nil {
			return err
		}
		var own []destinationRow
		if err := tx.Where("user_id = ?", id).Order("id").Find(&own).Error; err != nil {
			return err
		}
		if err := set(tx, was, own); err != nil {
			return err
		}
		if err := s.afterChange(tx, was, what); err != nil {
			return err
		}
		keys, err := userKeys(tx, id)
		if err != nil {
			return err
		}
		if err := s.waiting.Ask(tx, keys); err != nil {
			return err
		}
		return waiting(tx, keys)
	})
	if err == nil {
		s.waiting.Notify()
	}
	return err
}

// SetQuiet sets the quiet hours of one of a user's destinations, beside those of the user. A mistake is a
// *schedule.Error.
func (s *Destinations) SetQuiet(ctx context.Context, userID, id uint, q schedule.Quiet) error {
	err := s.change(ctx, "change quiet hours", func(tx *gorm.DB) error {
		owner, err := lock(tx, userID)
		if err != nil {
			return err
		}
		if err := schedule.StoredQuiet(owner.Quiet).And(q).Check(); err != nil {
			return err
		}
		set := map[string]any{"quiet": q.String()}
		if err := s.update(tx, userID, id, accounts.DestinationQuiet, set); err != nil {
			return err
		}
		keys := []string{Key(id)}
		if err := s.waiting.Ask(tx, keys); err != nil {
			return err
		}
		return s.waiting.Release(tx, keys, []string{schedule.HeldByQuiet})
	})
	if err == nil {
		s.waiting.Notify()
	}
	return err
}

// SetSchedule gives one of a user's filters a schedule of its own for a destination; nil: that of the destination. What
// waits already keeps its time. A mistake is a *schedule.Error.
func (s *Filters) SetSchedule(ctx context.Context, userID uint, id rulespec.FilterID, to uint,
	when *schedule.Schedule) error {
	if when != nil {
		if err := when.Check(); err != nil {
			return err
		}
	}
	return s.change(ctx, "change schedule of filter", func(tx *gorm.DB) error {
		if _, err := ownDestination(tx, userID, to); err != nil {
			return err
		}
		if err := tx.Where("id = ? AND user_id = ?", id, userID).Take(&filterRow{}).Error; err != nil {
			return err
		}
		err := s.filterChange(tx, userID, &id, accounts.FilterSchedule, func() error {
			row := filterScheduleRow{FilterID: uint(id), DestinationID: to}
			if when == nil {
				return tx.Where("filter_id = ? AND destination_id = ?", id, to).Delete(&row).Error
			}
			row.set(*when)
			return tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(&row).Error
		})
		if err != nil {
			return err
		}
		if err := s.touchFilter(tx, id); err != nil {
			return err
		}
		return s.tell(tx, userID, ofFilters)
	})
}

// schedulesOf reads the schedules of filters, by filter and destination.
func schedulesOf(query *gorm.DB) (map[uint]map[uint]schedule.Schedule, error) {
	var rows []filterScheduleRow
	if err := query.Find(&rows).Error; err != nil {
		return nil, err
	}
	all := map[uint]map[uint]schedule.Schedule{}
	for _, r := range rows {
		if all[r.FilterID] == nil {
			all[r.FilterID] = map[uint]schedule.Schedule{}
		}
		all[r.FilterID][r.DestinationID] = r.schedule()
	}
	return all, nil
}
