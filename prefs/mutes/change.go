package mutes

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/prefs/mute"
)

// Put stores a mute of a user, who must be locked: the one that is on and of the same thing gets what m says, or else
// a new one is made. full says that there are too many, and then nothing was stored.
func Put(tx *gorm.DB, user uint, m mute.Mute, by string) (was, is Record, full bool, err error) {
	list, err := List(tx, user)
	if err != nil {
		return was, is, false, err
	}
	on := 0
	for _, r := range list {
		if !r.On(m.Made) {
			continue
		}
		if on++; r.Same(&m) {
			was = r
		}
	}
	made := row{ID: was.ID, UserID: user, Kind: string(m.Kind), Value: cmp.Or(was.Value, m.Value), Label: m.Label,
		MadeAt: m.Made.UnixMicro(), MadeBy: by, EndsAt: m.Ends.UnixMicro(), UntilSolved: m.UntilSolved,
		Errors: m.Errors, Silenced: int64(was.Silenced)}
	if was.ID != 0 {
		made.MadeAt, made.MadeBy = was.Made.UnixMicro(), was.By
		return was, made.record(), false, saved(tx.Save(&made).Error)
	}
	if on >= MostOn {
		return was, is, true, nil
	}
	if len(list) >= MostKept { // the oldest has ended: no more than MostOn are on
		if err := dropOldest(tx, list, m.Made); err != nil {
			return was, is, false, err
		}
	}
	err = tx.Create(&made).Error
	is = made.record()
	is.Fresh = true
	return was, is, false, saved(err)
}

func saved(err error) error {
	if err != nil {
		return fmt.Errorf("store mute: %w", err)
	}
	return nil
}

func dropOldest(tx *gorm.DB, list []Record, now time.Time) error {
	for _, r := range slices.Backward(list) {
		if !r.On(now) {
			return saved(tx.Where("id = ?", r.ID).Delete(&row{}).Error)
		}
	}
	return nil
}

// End ends mutes that are on, for a reason, and returns them. Whose they are is up to the caller.
func End(tx *gorm.DB, ids []uint, now time.Time, why string) ([]Record, error) {
	var ended []Record
	for _, id := range slices.Compact(slices.Sorted(slices.Values(ids))) {
		done := tx.Exec("UPDATE mutes SET ended_at = ?, ended_by = ? WHERE id = ? AND ended_at = 0 AND ends_at > ?",
			now.UnixMicro(), why, id, now.UnixMicro())
		if done.Error != nil {
			return nil, fmt.Errorf("end mute: %w", done.Error)
		}
		if done.RowsAffected == 0 {
			continue
		}
		var r row
		if err := tx.Where("id = ?", id).Take(&r).Error; err != nil {
			return nil, fmt.Errorf("end mute: %w", err)
		}
		ended = append(ended, r.record())
	}
	return ended, nil
}

// UntilSolved returns the mutes that last until one of some objects is solved, and are on.
func UntilSolved(tx *gorm.DB, objects []string, now time.Time) (list []mute.Mute, err error) {
	for part := range slices.Chunk(objects, inStatement) {
		var rows []row
		err := tx.Where("value IN ? AND until_solved AND ended_at = 0 AND kind = ? AND ends_at > ?", part,
			string(mute.Object), now.UnixMicro()).Order("id").Find(&rows).Error
		if err != nil {
			return nil, fmt.Errorf("read mutes until something is solved: %w", err)
		}
		for _, r := range rows {
			list = append(list, r.record().Mute)
		}
	}
	return list, nil
}

// Count adds how many messages mutes have silenced, by their ids. It locks their rows in the order of ids.
func Count(tx *gorm.DB, silenced map[uint]int) error {
	for _, id := range slices.Sorted(maps.Keys(silenced)) {
		err := tx.Exec("UPDATE mutes SET silenced = silenced + ? WHERE id = ?", silenced[id], id).Error
		if err != nil {
			return fmt.Errorf("count what is muted: %w", err)
		}
	}
	return nil
}

// CountFree is Count for mutes that nobody has locked; what cannot be counted now is not. It is for transactions that
// hold locks of the outbox, which come after those of mutes.
func CountFree(tx *gorm.DB, silenced map[uint]int) error {
	if tx.Name() != "postgres" {
		return Count(tx, silenced)
	}
	for _, id := range slices.Sorted(maps.Keys(silenced)) {
		err := tx.Exec("UPDATE mutes SET silenced = silenced + ? WHERE id IN "+
			"(SELECT id FROM mutes WHERE id = ? FOR UPDATE SKIP LOCKED)", silenced[id], id).Error
		if err != nil {
			return fmt.Errorf("count what is muted: %w", err)
		}
	}
	return nil
}
