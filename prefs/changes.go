package prefs

import (
	"context"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/rulespec"
)

// The log of changes says which filters each revision touched: whoever holds what was made of an earlier revision takes
// up these alone. It is kept within bounds; who has slept longer than it reaches reads everything.

// The bounds on the log.
const (
	keepRevisions = 20_000
	keepChanges   = 7 * 24 * 3600 * 1_000_000 // microseconds
	maxChanges    = 100_000                   // touched filters that are not more work than reading everything
)

// bump raises the revision, and begins its entry in the log. On PostgreSQL it holds up other changes until the commit,
// so it comes before anything else in prefs is locked: transactions that take the row of the revision and then others
// cannot lock each other out.
func (c *core) bump(tx *gorm.DB) error {
	var revision int64
	err := tx.Raw("UPDATE revisions SET value = value + 1 WHERE id = 1 RETURNING value").Scan(&revision).Error
	if err != nil {
		return err
	}
	if err := tx.Exec("DELETE FROM changes WHERE revision <= ?", revision-keepRevisions).Error; err != nil {
		return err
	}
	return tx.Exec("INSERT INTO changes (revision, filter_id, changed_at) VALUES (?, 0, ?)", revision, c.micro()).Error
}

const touch = "INSERT INTO changes (revision, filter_id, changed_at) SELECT r.value, f.id, ? FROM revisions r, filters f " +
	"WHERE r.id = 1 AND "

// touchFilter notes that the revision of this transaction touches a filter. One that is to be deleted must still be there.
func (c *core) touchFilter(tx *gorm.DB, id rulespec.FilterID) error {
	return tx.Exec(touch+"f.id = ? ON CONFLICT DO NOTHING", c.micro(), id).Error
}

// touchUser is touchFilter for all filters of a user: who they are or what they reach changes.
func (c *core) touchUser(tx *gorm.DB, userID uint) error {
	return tx.Exec(touch+"f.user_id = ? ON CONFLICT DO NOTHING", c.micro(), userID).Error
}

// Revision gives a number that every change to what is delivered raises. tx is a transaction, in which it is the
// revision that the transaction works on, or nil. Until a transaction ends nobody closes a destination: what it stores by
// that revision is not left behind.
func (s *Subscriptions) Revision(ctx context.Context, tx *gorm.DB) (int64, error) {
	if tx == nil {
		tx = s.reader
	} else if err := order(tx.WithContext(ctx), "pg_advisory_xact_lock_shared"); err != nil {
		return 0, fmt.Errorf("read revision: %w", err)
	}
	var value int64
	err := tx.WithContext(ctx).Raw("SELECT value FROM revisions WHERE id = 1").Scan(&value).Error
	if err != nil {
		return 0, fmt.Errorf("read revision: %w", err)
	}
	return value, nil
}

// Changes gives the filters that were touched by the revisions after one and up to another, ascending; those that are
// gone too. whole is false where the log does not tell: it was cut, or somebody raised the revision by hand. Then only
// reading everything will do. tx is a transaction or nil.
func (s *Subscriptions) Changes(tx *gorm.DB, after, until int64) (ids []rulespec.FilterID, whole bool, err error) {
	if tx == nil {
		tx = s.reader
	}
	if until-after > keepRevisions || until < after {
		return nil, false, nil
	}
	var rows []struct{ Revision, FilterID int64 }
	err = tx.Raw("SELECT revision, filter_id FROM changes WHERE revision > ? AND revision <= ? ORDER BY revision, filter_id LIMIT ?",
		after, until, maxChanges+1).Scan(&rows).Error
	if err != nil {
		return nil, false, fmt.Errorf("read log of changes: %w", err)
	}
	revisions := int64(0)
	for _, r := range rows {
		if r.FilterID == 0 {
			revisions++
		} else {
			ids = append(ids, rulespec.FilterID(r.FilterID))
		}
	}
	if revisions != until-after || len(rows) > maxChanges {
		return nil, false, nil
	}
	slices.Sort(ids)
	return slices.Compact(ids), true, nil
}

// RevisionTime gives when a revision was made, in Unix microseconds; 0 where the log does not tell. After a backup was
// restored a number may stand for another revision, of another time.
func (s *Subscriptions) RevisionTime(ctx context.Context, revision int64) (int64, error) {
	var at int64
	err := s.read(ctx).Raw("SELECT changed_at FROM changes WHERE revision = ? AND filter_id = 0", revision).Scan(&at).Error
	if err != nil {
		return 0, fmt.Errorf("read log of changes: %w", err)
	}
	return at, nil
}

// pruneChanges cuts what is too old off the log, except the last revision.
func (c *core) pruneChanges(ctx context.Context) error {
	return c.write(ctx, "cut log of changes", func(tx *gorm.DB) error {
		// as the first statement of a change does, so that the two cannot lock each other out
		if err := tx.Exec("UPDATE revisions SET value = value WHERE id = 1").Error; err != nil {
			return err
		}
		return tx.Exec("DELETE FROM changes WHERE changed_at <= ? AND revision < (SELECT value FROM revisions WHERE id = 1)",
			c.micro()-keepChanges).Error
	})
}
