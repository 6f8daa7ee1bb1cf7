package prefs

import (
	"context"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/rulespec"
)

// The log of changes lists which filters each revision touched. A reader at an earlier revision reads only these
// filters again. The log is bounded: a reader at a revision older than the log reads everything.

// The bounds on the log.
const (
	keepRevisions = 20_000
	keepChanges   = 7 * 24 * 3600 * 1_000_000 // microseconds
	maxChanges    = 100_000                   // with more touched filters, reading everything is no more work
)

// raiseRevision raises the revision, and begins its entry in the log. On PostgreSQL it locks the row of the revision
// until the commit. It must be called before any other lock of prefs is taken, so that two changes cannot deadlock.
func (c *core) raiseRevision(tx *gorm.DB) error {
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

const touch = "INSERT INTO changes (revision, filter_id, changed_at) " +
	"SELECT r.value, f.id, ? FROM revisions r, filters f WHERE r.id = 1 AND "

// touchFilter records that the revision of this transaction touches a filter. Call it before the filter is deleted.
func (c *core) touchFilter(tx *gorm.DB, id rulespec.FilterID) error {
	return tx.Exec(touch+"f.id = ? ON CONFLICT DO NOTHING", c.micro(), id).Error
}

// touchUser calls touchFilter for all filters of a user. It is for a change of the user or of a destination.
func (c *core) touchUser(tx *gorm.DB, userID uint) error {
	return tx.Exec(touch+"f.user_id = ? ON CONFLICT DO NOTHING", c.micro(), userID).Error
}

// Revision returns a number that every change to what is delivered raises. tx is nil, or the transaction that will
// store deliveries by this revision. No destination can be closed until tx ends, so no delivery is stored for a
// closed one.
func (s *Subscriptions) Revision(ctx context.Context, tx *gorm.DB) (int64, error) {
	if tx == nil {
		tx = s.reader
	} else if err := lockDeliveries(tx.WithContext(ctx), "pg_advisory_xact_lock_shared"); err != nil {
		return 0, fmt.Errorf("read revision: %w", err)
	}
	var value int64
	err := tx.WithContext(ctx).Raw("SELECT value FROM revisions WHERE id = 1").Scan(&value).Error
	if err != nil {
		return 0, fmt.Errorf("read revision: %w", err)
	}
	return value, nil
}

// Changes returns the filters that were touched by the revisions after one and up to another, ascending; deleted
// filters too. whole is false where the log is incomplete: it was cut, or somebody raised the revision by hand. Then
// the caller must read everything. tx is a transaction or nil.
func (s *Subscriptions) Changes(tx *gorm.DB, after, until int64) (ids []rulespec.FilterID, whole bool, err error) {
	if tx == nil {
		tx = s.reader
	}
	if until-after > keepRevisions || until < after {
		return nil, false, nil
	}
	var rows []struct{ Revision, FilterID int64 }
	err = tx.Raw("SELECT revision, filter_id FROM changes WHERE revision > ? AND revision <= ? "+
		"ORDER BY revision, filter_id LIMIT ?",
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

// RevisionTime returns the time of a revision, in Unix microseconds; 0 where the log does not have it. After a backup
// was restored, the time distinguishes two revisions with the same number.
func (s *Subscriptions) RevisionTime(ctx context.Context, revision int64) (int64, error) {
	var at int64
	first := s.read(ctx).Raw("SELECT changed_at FROM changes WHERE revision = ? AND filter_id = 0", revision)
	err := first.Scan(&at).Error
	if err != nil {
		return 0, fmt.Errorf("read log of changes: %w", err)
	}
	return at, nil
}

// pruneChanges deletes old entries from the log, except the last revision.
func (c *core) pruneChanges(ctx context.Context) error {
	return c.write(ctx, "cut log of changes", func(tx *gorm.DB) error {
		// the first statement of a change locks this row too, so the two cannot deadlock
		if err := tx.Exec("UPDATE revisions SET value = value WHERE id = 1").Error; err != nil {
			return err
		}
		return tx.Exec("DELETE FROM changes WHERE changed_at <= ? AND "+
			"revision < (SELECT value FROM revisions WHERE id = 1)",
			c.micro()-keepChanges).Error
	})
}

// A Cache keeps subscriptions that were read, within bounds. Its owner calls Forget for the filters that Changes
// names before the next Read; then Read returns the same as the store. It is for one goroutine. Two generations
// approximate an LRU cache (least recently used) at the cost of two maps.
type Cache struct {
	store      *Subscriptions
	entries    int // that one generation holds at most
	bytes      int
	young, old generation
}

// A generation is a map of subscriptions by filter; the value of a filter that reaches nobody is nil.
type generation struct {
	of    map[rulespec.FilterID]*Subscription
	bytes int
}

// NewCache makes a Cache with the given bounds on the number of subscriptions and on their bytes of memory.
func NewCache(store *Subscriptions, entries, bytes int) *Cache {
	c := &Cache{store: store, entries: max(1, entries/2), bytes: bytes / 2}
	c.young.of, c.old.of = map[rulespec.FilterID]*Subscription{}, map[rulespec.FilterID]*Subscription{}
	return c
}

// Len returns how many filters the Cache remembers, and Bytes roughly how many bytes of memory they take.
func (c *Cache) Len() int   { return len(c.young.of) + len(c.old.of) }
func (c *Cache) Bytes() int { return c.young.bytes + c.old.bytes }

// Forget drops the given filters from the Cache.
func (c *Cache) Forget(ids []rulespec.FilterID) {
	for _, id := range ids {
		c.young.drop(id)
		c.old.drop(id)
	}
}

// Read returns the subscriptions of filters in tx, by filter. Filters that are off, broken or reach nobody have none.
// The subscriptions belong to the Cache: the caller must not change them.
func (c *Cache) Read(tx *gorm.DB, ids []rulespec.FilterID) (map[rulespec.FilterID]*Subscription, error) {
	found := make(map[rulespec.FilterID]*Subscription, len(ids))
	var missing []rulespec.FilterID
	for _, id := range ids {
		if _, twice := found[id]; twice {
			continue
		}
		s, known := c.young.of[id]
		if !known {
			if s, known = c.old.of[id]; known { // it moves to the young generation
				c.old.drop(id)
				c.keep(id, s)
			} else {
				missing = append(missing, id)
			}
		}
		found[id] = s
	}
	read, err := c.store.load(tx, missing)
	if err != nil {
		return nil, err
	}
	for _, s := range read {
		found[s.Filter.ID] = s
	}
	for _, id := range missing {
		c.keep(id, found[id])
	}
	return found, nil
}

// keep stores a subscription. When the young generation is full it becomes the old one. The previous old one is
// dropped, with all subscriptions that were not read since.
func (c *Cache) keep(id rulespec.FilterID, s *Subscription) {
	if len(c.young.of) >= c.entries || c.young.bytes >= c.bytes {
		c.old, c.young = c.young, generation{of: map[rulespec.FilterID]*Subscription{}}
	}
	c.young.drop(id)
	c.young.of[id] = s
	c.young.bytes += s.size()
}

func (g *generation) drop(id rulespec.FilterID) {
	if s, known := g.of[id]; known {
		delete(g.of, id)
		g.bytes -= s.size()
	}
}

// size returns roughly the bytes of memory that a subscription takes.
func (s *Subscription) size() int {
	const entry, fields, destination = 50, 350, 200
	if s == nil {
		return entry
	}
	const muted, scheduled = 150, 100
	n := entry + fields + len(s.Sentence) + len(s.Filter.Name) + 2*len(s.User.Name) + scheduled*len(s.Schedules)
	for i := range s.Destinations {
		n += destination + len(s.Destinations[i].Address) + 8*len(s.Destinations[i].Schedule.Weekdays)
	}
	for i := range s.User.Mutes { // the filters of a user share them, but may be read at different times
		n += muted + len(s.User.Mutes[i].Value) + len(s.User.Mutes[i].Label)
	}
	return n
}
