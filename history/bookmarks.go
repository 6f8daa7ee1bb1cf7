package history

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"
)

// A Bookmark says how far a bridge has handed on what is kept: all messages up to Position, in the order of their ids.
type Bookmark struct {
	Position int64
	Lost     int64 // messages that were deleted before the bridge had come to them
}

// bookmarkRow is a row of the table bookmarks.
type bookmarkRow struct {
	Bridge    string `gorm:"primaryKey"`
	Position  int64  `gorm:"not null"`
	Lost      int64  `gorm:"not null"`
	Holder    string `gorm:"not null"`
	HeldUntil int64  `gorm:"not null"`
}

func (bookmarkRow) TableName() string { return "bookmarks" }

// Claim takes the bookmark of a bridge for holder until a time, or holds it for longer; false: another one has it. So
// of several processes on one database one works for the bridge, and another goes on where that one ends. The bookmark
// of a bridge that is new stands behind all messages that are kept.
func (s *Store) Claim(ctx context.Context, bridge, holder string, until time.Time) (b Bookmark, held bool, err error) {
	if err := s.BeginBookmark(ctx, bridge); err != nil {
		return b, false, err
	}
	err = s.writer.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		taken := tx.Exec("UPDATE bookmarks SET holder = ?, held_until = ? WHERE bridge = ? AND (holder = ? OR held_until < ?)",
			holder, until.UnixMicro(), bridge, holder, s.now().UnixMicro())
		if held = taken.RowsAffected > 0; taken.Error != nil {
			return taken.Error
		}
		var row bookmarkRow
		err := tx.Where("bridge = ?", bridge).Take(&row).Error
		b = Bookmark{row.Position, row.Lost}
		return err
	})
	if err != nil {
		return b, false, fmt.Errorf("hold the bookmark of bridge %s: %w", bridge, err)
	}
	return b, held, nil
}

// BeginBookmark makes the bookmark of a bridge that has none.
func (s *Store) BeginBookmark(ctx context.Context, bridge string) error {
	if err := s.beginBookmark(ctx, bridge); err != nil {
		return fmt.Errorf("begin the bookmark of bridge %s: %w", bridge, err)
	}
	return nil
}

func (s *Store) beginBookmark(ctx context.Context, bridge string) error {
	var known int64
	err := s.reader.WithContext(ctx).Model(&bookmarkRow{}).Where("bridge = ?", bridge).Count(&known).Error
	if err != nil || known > 0 {
		return err
	}
	last, err := s.Settled(ctx)
	if err != nil {
		return err
	}
	return s.writer.WithContext(ctx).Exec("INSERT INTO bookmarks (bridge, position, lost, holder, held_until)"+
		" VALUES (?, ?, 0, '', 0) ON CONFLICT DO NOTHING", bridge, last).Error
}

// Move sets the bookmark that holder has, and holds it until a time; false: another one has it now.
func (s *Store) Move(ctx context.Context, bridge, holder string, position int64, until time.Time) (bool, error) {
	moved := s.writer.WithContext(ctx).Exec("UPDATE bookmarks SET position = ?, held_until = ?"+
		" WHERE bridge = ? AND holder = ?", position, until.UnixMicro(), bridge, holder)
	if moved.Error != nil {
		return false, fmt.Errorf("move the bookmark of bridge %s: %w", bridge, moved.Error)
	}
	return moved.RowsAffected > 0, nil
}

// Release gives the bookmark up, so that another one may take it at once.
func (s *Store) Release(ctx context.Context, bridge, holder string) error {
	err := s.writer.WithContext(ctx).Exec("UPDATE bookmarks SET held_until = 0 WHERE bridge = ? AND holder = ?",
		bridge, holder).Error
	if err != nil {
		return fmt.Errorf("release the bookmark of bridge %s: %w", bridge, err)
	}
	return nil
}

// countLost notes in every bookmark what is deleted before its bridge has come to it.
func countLost(tx *gorm.DB, deleted []int64) error {
	var rows []bookmarkRow
	if err := tx.Order("bridge").Find(&rows).Error; err != nil {
		return err
	}
	for _, row := range rows {
		lost := 0
		for _, id := range deleted {
			if id > row.Position {
				lost++
			}
		}
		if lost == 0 {
			continue
		}
		err := tx.Exec("UPDATE bookmarks SET lost = lost + ? WHERE bridge = ?", lost, row.Bridge).Error
		if err != nil {
			return err
		}
	}
	return nil
}

// countLostOf is countLost for all messages of a table, whose number is known: while they are counted here, everybody
// waits. So they are only for a bridge that has handed on some of them.
func countLostOf(tx *gorm.DB, table string, all int64) error {
	return tx.Exec("UPDATE bookmarks SET lost = lost + CASE WHEN position < (SELECT min(id) FROM "+table+") THEN ?"+
		" ELSE (SELECT count(*) FROM "+table+" WHERE id > bookmarks.position) END"+
		" WHERE position < (SELECT max(id) FROM "+table+")", all).Error
}
