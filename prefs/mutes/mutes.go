// Package mutes keeps the mutes of people in the database, in the transactions of its callers: prefs makes and ends
// them, the router counts what they silence. What a mute silences is decided in package mute.
package mutes

import (
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/prefs/mute"
)

// The bounds on what is kept of one person.
const (
	MostOn   = 200 // that silence something now
	MostKept = 1000
)

// Keep is how long a mute is kept after its end, so that it can be said why a notice did not come.
const Keep = 30 * 24 * time.Hour

// A Record is a mute as it is kept.
type Record struct {
	mute.Mute
	UserID   uint
	By       string // where it was made: "page", "mail", "irc", "api"
	EndedBy  string // why it ended before its time; "": it did not
	Silenced int    // messages that were not told of because of it
	Fresh    bool   // Put has made it, and not changed one that was on
}

// Why a mute has ended before its time.
const (
	ByOwner = "you"
	BySolve = "it was solved"
)

// Models returns a value of each gorm model, for the test that models and schema agree.
func Models() []any { return []any{&row{}} }

type row struct {
	ID          uint   `gorm:"primaryKey"`
	UserID      uint   `gorm:"not null;index:idx_mutes_user_id,priority:1"`
	Kind        string `gorm:"not null"`
	Value       string `gorm:"not null;index:idx_mutes_solved,where:until_solved AND ended_at = 0"`
	Label       string `gorm:"not null"`
	MadeAt      int64  `gorm:"not null"`
	MadeBy      string `gorm:"not null"`
	EndsAt      int64  `gorm:"not null;index:idx_mutes_user_id,priority:2;index:idx_mutes_ends_at"`
	UntilSolved bool   `gorm:"not null"`
	Errors      bool   `gorm:"not null"`
	EndedAt     int64  `gorm:"not null"`
	EndedBy     string `gorm:"not null"`
	Silenced    int64  `gorm:"not null"`
}

func (row) TableName() string { return "mutes" }

func (r row) record() Record {
	m := mute.Mute{ID: r.ID, Kind: mute.Kind(r.Kind), Value: r.Value, Label: r.Label, Made: at(r.MadeAt),
		Ends: at(r.EndsAt), UntilSolved: r.UntilSolved, Errors: r.Errors}
	if r.EndedAt != 0 {
		m.Ended = at(r.EndedAt)
	}
	return Record{Mute: m, UserID: r.UserID, By: r.MadeBy, EndedBy: r.EndedBy, Silenced: int(r.Silenced)}
}

func at(micro int64) time.Time { return time.UnixMicro(micro).UTC() }

// inStatement is how many values one statement has in a list.
const inStatement = 1000

// On returns the mutes of users that have not ended at a moment, by user, the oldest first.
func On(tx *gorm.DB, users []uint, now time.Time) (map[uint][]mute.Mute, error) {
	var all map[uint][]mute.Mute
	for part := range slices.Chunk(users, inStatement) {
		var rows []row
		err := tx.Where("user_id IN ? AND ends_at > ? AND ended_at = 0", part, now.UnixMicro()).Order("id").
			Find(&rows).Error
		if err != nil {
			return nil, fmt.Errorf("read mutes: %w", err)
		}
		for _, r := range rows {
			if all == nil {
				all = map[uint][]mute.Mute{}
			}
			all[r.UserID] = append(all[r.UserID], r.record().Mute)
		}
	}
	return all, nil
}

// List returns all mutes of a user that are kept, the newest first.
func List(tx *gorm.DB, user uint) ([]Record, error) {
	var rows []row
	if err := tx.Where("user_id = ?", user).Order("id DESC").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read mutes: %w", err)
	}
	list := make([]Record, len(rows))
	for i, r := range rows {
		list[i] = r.record()
	}
	return list, nil
}

// Get returns a mute of a user, or gorm.ErrRecordNotFound.
func Get(tx *gorm.DB, user, id uint) (Record, error) {
	var r row
	err := tx.Where("id = ? AND user_id = ?", id, user).Take(&r).Error
	return r.record(), err
}

// Prune deletes what ended long ago.
func Prune(tx *gorm.DB, now time.Time) error {
	gone := now.Add(-Keep).UnixMicro()
	err := tx.Where("ends_at <= ? OR ended_at > 0 AND ended_at <= ?", gone, gone).Delete(&row{}).Error
	if err != nil {
		return fmt.Errorf("delete old mutes: %w", err)
	}
	return nil
}
