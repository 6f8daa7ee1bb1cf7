package prefs

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/rulespec"
)

// MarkExpensive marks filters as too expensive; steps holds the steps that the search of one message took. They match
// nothing until their rules are changed. Filters that changed after the revision are left unmarked: their old rules
// were the expensive ones.
func (s *Subscriptions) MarkExpensive(ctx context.Context, steps map[rulespec.FilterID]int64, revision int64) error {
	return s.change(ctx, "mark expensive filters", func(tx *gorm.DB) error {
		for _, id := range slices.Sorted(maps.Keys(steps)) {
			done := tx.Exec("UPDATE filters SET expensive = ?, updated_at = ? WHERE id = ? AND expensive = 0 AND "+
				"NOT EXISTS (SELECT 1 FROM changes c WHERE c.filter_id = filters.id AND c.revision > ?)",
				steps[id], s.micro(), id, revision)
			if done.Error != nil {
				return done.Error
			}
			if done.RowsAffected == 0 {
				continue
			}
			if err := s.touchFilter(tx, id); err != nil {
				return err
			}
			if err := s.noteSwitched(tx, id, accounts.FilterDear); err != nil {
				return err
			}
		}
		return nil
	})
}

// clearExpensive removes the mark from a filter whose rules are about to change.
func clearExpensive(tx *gorm.DB, row *filterRow) error {
	return tx.Exec("UPDATE filters SET expensive = 0 WHERE id = ? AND user_id = ? AND rules <> ?",
		row.ID, row.UserID, row.Rules).Error
}

// tooExpensive returns the mark in words for the owner; "" for none.
func tooExpensive(steps int64) string {
	if steps == 0 {
		return ""
	}
	return fmt.Sprintf("switched off: too expensive, because searching one message with its expressions "+
		"took %d steps, a great part of what all filters have together; change its rules", steps)
}
