package directories

import (
	"context"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/directory"
)

// maxKept bounds the hints that count at one time.
const maxKept = 10_000

// takeHints reads the hints that there are, from whichever node, if there are others than before.
func (d *Directories) takeHints(ctx context.Context) error {
	limit, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	d.taking.Lock()
	defer d.taking.Unlock()
	recent := func() *gorm.DB {
		return d.DB.WithContext(limit).Model(&hintRow{}).Where("at >= ?", d.Now().Add(-hintLasts).UnixMicro())
	}
	var now struct{ Newest, N int64 }
	if err := recent().Select("coalesce(max(id), 0) AS newest, count(*) AS n").Scan(&now).Error; err != nil {
		return err
	}
	d.mu.Lock()
	same := int64(len(d.hints)) == min(now.N, maxKept) && (now.N == 0 || d.hints[len(d.hints)-1].ID == now.Newest)
	d.mu.Unlock()
	if same {
		return nil
	}
	var rows []hintRow
	if err := recent().Order("id DESC").Limit(maxKept).Find(&rows).Error; err != nil {
		return err
	}
	slices.Reverse(rows)
	d.askSoon(rows)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.hints = rows
	d.overlay()
	return nil
}

// askSoon lets sources be asked again soon that a hint says have changed.
func (d *Directories) askSoon(rows []hintRow) {
	for _, e := range d.sources {
		k := e.load()
		for _, row := range rows {
			if row.Who == "" && has(k.facts, row.Part) && k.tried.Before(time.UnixMicro(row.At)) {
				e.recheck()
				break
			}
		}
	}
}

// forgetHints deletes hints that do not count any more.
func (d *Directories) forgetHints(ctx context.Context) error {
	return d.DB.WithContext(ctx).Where("at < ?", d.Now().Add(-hintLasts).UnixMicro()).Delete(&hintRow{}).Error
}

// overlay makes the snapshot with hints of the one without, if it is another one. d.mu is held.
func (d *Directories) overlay() {
	var changes []directory.Change
	var active []int64
	for _, row := range d.hints {
		if row.Who == "" || !d.counts(row) {
			continue
		}
		c := directory.Change{Who: row.Who, Role: row.Role, Gone: row.Gone, Only: row.Sole}
		if row.Part == ofGroups {
			c.Group = row.Subject
		} else {
			c.Package = row.Subject
		}
		changes, active = append(changes, c), append(active, row.ID)
	}
	if d.active == nil || !slices.Equal(d.active, active) {
		d.active = append([]int64{}, active...)
		d.snapshot.Store(d.confirmed.Load().With(changes))
	}
}

// counts reports whether a hint is newer than what the sources say that know of its subject, or else of such things. A
// file knows nothing of what happens on the bus, and what it says stays.
func (d *Directories) counts(row hintRow) bool {
	var all, know []*entry
	for _, e := range d.sources {
		if f := e.load().facts; !e.local && has(f, row.Part) {
			all = append(all, e)
			if knows(f, row) {
				know = append(know, e)
			}
		}
	}
	if len(know) > 0 {
		all = know
	}
	return len(all) > 0 && !slices.ContainsFunc(all, func(e *entry) bool {
		k := e.load()
		asOf := k.facts.AsOf
		if asOf.IsZero() {
			asOf = k.fetched
		}
		return asOf.After(time.UnixMicro(row.At))
	})
}

// knows reports whether facts say who has the role, or who is in the group, that a hint is about.
func knows(f *directory.Facts, row hintRow) bool {
	if row.Part == ofGroups {
		return f.Groups[row.Subject] != nil
	}
	return slices.ContainsFunc(f.Packages[row.Subject], func(o directory.Owner) bool {
		return row.Role == "" || o.Role == row.Role
	})
}

// has reports whether facts speak of a part.
func has(f *directory.Facts, part string) bool {
	c := f.Counts()
	switch part {
	case ofPackages:
		return c.Packages >= 0
	case ofGroups:
		return c.Groups >= 0
	}
	return c.People >= 0
}

// Confirmed returns the directory without hints, for what opens doors. A nil Directories has none.
func (d *Directories) Confirmed() *directory.Snapshot {
	if d == nil {
		return nil
	}
	return d.confirmed.Load()
}
