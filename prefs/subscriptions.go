package prefs

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/prefs/mutes"
	"github.com/notifyd/notifyd/prefs/revisions"
	"github.com/notifyd/notifyd/prefs/surge"
	"github.com/notifyd/notifyd/rulespec"
)

// Subscriptions reads and changes the data of the router. It reads in the transaction that will store the deliveries,
// so that a change of a filter takes effect with the next message.
type Subscriptions struct{ *core }

// load returns the subscriptions of those filters that are on and reach somebody, in the order of ids. It needs five
// statements for each thousand filters. Broken filters are left out: they cannot match, and their owner sees them
// marked. The filters come without their rules, and without the list of destinations that was chosen for them.
func (s *Subscriptions) load(tx *gorm.DB, ids []rulespec.FilterID) ([]*Subscription, error) {
	var all []*Subscription
	for part := range slices.Chunk(slices.Compact(slices.Sorted(slices.Values(ids))), inStatement) {
		some, err := s.loadPart(tx, part)
		if err != nil {
			return nil, fmt.Errorf("read subscriptions: %w", err)
		}
		all = append(all, some...)
	}
	return all, nil
}

func (s *Subscriptions) loadPart(tx *gorm.DB, ids []rulespec.FilterID) ([]*Subscription, error) {
	var filters []filterRow
	if err := tx.Where("id IN ? AND is_on", ids).Order("id").Find(&filters).Error; err != nil || len(filters) == 0 {
		return nil, err
	}
	people := make([]uint, len(filters))
	for i, f := range filters {
		people[i] = f.UserID
	}
	slices.Sort(people)
	people = slices.Compact(people)
	var (
		users        []userRow
		destinations []destinationRow
		links        []filterDestinationRow
	)
	if err := tx.Where("id IN ? AND disabled = ''", people).Find(&users).Error; err != nil {
		return nil, err
	}
	open := tx.Where("user_id IN ? AND confirmed AND is_on AND disabled = ''", people)
	err := open.Order("id").Find(&destinations).Error
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(filters, func(f filterRow) bool { return f.Chosen }) {
		if err := tx.Where("filter_id IN ?", ids).Order("destination_id").Find(&links).Error; err != nil {
			return nil, err
		}
	}
	muted, err := mutes.On(tx, people, s.now())
	if err != nil {
		return nil, err
	}
	own, err := schedulesOf(tx.Where("filter_id IN ?", ids))
	if err != nil {
		return nil, err
	}
	owners := make(map[uint]User, len(users))
	for _, u := range users {
		owner := u.user()
		owner.Mutes = muted[u.ID]
		owners[u.ID] = owner
	}
	reachable := make(map[uint][]Destination)
	for _, d := range destinations {
		reachable[d.UserID] = append(reachable[d.UserID], d.destination())
	}
	all := s.join(filters, owners, reachable, byFilter(links))
	for _, sub := range all {
		sub.Schedules = own[uint(sub.Filter.ID)]
	}
	if err := readEverywhere(tx, people, reachable, all); err != nil {
		return nil, err
	}
	if err := readRates(tx, filters, all); err != nil {
		return nil, err
	}
	return all, revise(tx, all)
}

// revise notes which revision of its filter each subscription is of. Of one whose rules were never put into words they
// are noted, as they are said now.
func revise(tx *gorm.DB, all []*Subscription) error {
	ids, sentences := make([]uint64, len(all)), make(map[uint64]string, len(all))
	for i, sub := range all {
		ids[i] = uint64(sub.Filter.ID)
		sentences[ids[i]] = sub.Sentence
	}
	now, err := revisions.Of(tx, ids, func(filter uint64) string { return sentences[filter] })
	if err != nil {
		return err
	}
	for i, sub := range all {
		sub.Revision = now[ids[i]].ID
	}
	return nil
}

// join makes subscriptions from filters, their owners, the owners' destinations that accept notices, and the chosen
// ones.
func (s *Subscriptions) join(
	filters []filterRow, owners map[uint]User, reachable map[uint][]Destination, chosen map[uint][]uint,
) []*Subscription {
	all := make([]*Subscription, 0, len(filters))
	for _, r := range filters {
		owner, there := owners[r.UserID]
		to := reachable[r.UserID]
		if !there || len(to) == 0 {
			continue
		}
		// Subscriptions are kept while the catalogue changes, so no kind of message is checked here; the index does
		// that.
		f := r.filter(rulespec.Env{}, s.me(owner), chosen[r.ID])
		if r.Chosen {
			to = slices.DeleteFunc(slices.Clone(to),
				func(d Destination) bool { return !slices.Contains(f.Destinations, d.ID) })
		}
		if f.Broken != "" || len(to) == 0 {
			continue
		}
		sentence := s.sentence(f.Filter)
		f.Rules, f.Destinations = nil, nil
		all = append(all, &Subscription{Filter: f, User: owner, Destinations: to, Sentence: sentence})
	}
	return all
}

// SwitchOffOneShots switches off those of the filters that are one-shot and still on, and returns their ids,
// ascending. It is part of the transaction that stores their deliveries. When several nodes try at once, only one of
// them gets the id; the others leave out the filter's deliveries.
func (s *Subscriptions) SwitchOffOneShots(
	tx *gorm.DB, ids []rulespec.FilterID,
) (switched []rulespec.FilterID, err error) {
	var oneShots []rulespec.FilterID
	for part := range slices.Chunk(slices.Compact(slices.Sorted(slices.Values(ids))), inStatement) {
		var some []rulespec.FilterID
		err := tx.Model(&filterRow{}).Where("id IN ? AND is_on AND one_shot", part).Order("id").Pluck("id", &some).Error
		if err != nil {
			return nil, fmt.Errorf("read one-shot filters: %w", err)
		}
		oneShots = append(oneShots, some...)
	}
	if len(oneShots) == 0 {
		return nil, nil
	}
	if err := s.raiseRevision(tx); err != nil {
		return nil, fmt.Errorf("raise revision: %w", err)
	}
	for _, id := range oneShots {
		done := tx.Exec("UPDATE filters SET is_on = ?, updated_at = ? WHERE id = ? AND is_on AND one_shot",
			false, s.micro(), id)
		if done.Error != nil {
			return nil, fmt.Errorf("switch off one-shot filter: %w", done.Error)
		}
		if done.RowsAffected == 0 {
			continue
		}
		switched = append(switched, id)
		if err := s.touchFilter(tx, id); err != nil {
			return nil, fmt.Errorf("note one-shot filter: %w", err)
		}
		if err := s.noteSwitched(tx, id, accounts.FilterUsed); err != nil {
			return nil, err
		}
	}
	return switched, nil
}

// noteSwitched makes the entry of the audit for a filter that notifyd itself has switched off.
func (s *Subscriptions) noteSwitched(tx *gorm.DB, id rulespec.FilterID, what accounts.What) error {
	var f filterRow
	if err := tx.Where("id = ?", id).Take(&f).Error; err != nil {
		return err
	}
	return s.noteBy(tx, accounts.Daemon, f.UserID, what, object("filter", id), f.switched(true), f.switched(false))
}

// inStatement is the number of values that one statement has in a list: SQLite accepts 32766 parameters in all.
const inStatement = 1000

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

// KeepSurges stores which filters have far more notices than usual, by their ids, so that every node folds them from
// the next message on.
func (s *Subscriptions) KeepSurges(ctx context.Context, found map[uint64]surge.State) error {
	return s.change(ctx, "note surges", func(tx *gorm.DB) error {
		for id := range found {
			if err := s.touchFilter(tx, rulespec.FilterID(id)); err != nil {
				return err
			}
		}
		return surge.Keep(tx, found, s.now())
	})
}

// KeepRates stores how many notices filters usually have.
func (s *Subscriptions) KeepRates(ctx context.Context, rates map[uint64]int64) error {
	return s.write(ctx, "note usual rates", func(tx *gorm.DB) error { return surge.KeepRates(tx, rates, s.now()) })
}

// readRates puts into subscriptions what is known of the rates of their filters.
func readRates(tx *gorm.DB, rows []filterRow, all []*Subscription) error {
	ids, changed := make([]uint64, len(all)), make(map[uint64]int64, len(rows))
	for i, s := range all {
		ids[i] = uint64(s.Filter.ID)
	}
	for _, r := range rows {
		changed[uint64(r.ID)] = r.UpdatedAt
	}
	known, begun, err := surge.Read(tx, ids)
	if err != nil {
		return err
	}
	for i, s := range all {
		s.Rate = known[ids[i]]
		if s.Rate.Since = time.UnixMicro(changed[ids[i]]).UTC(); s.Rate.Since.Before(begun) {
			s.Rate.Since = begun
		}
	}
	return nil
}
