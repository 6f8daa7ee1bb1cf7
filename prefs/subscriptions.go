package prefs

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/rulespec"
)

// Subscriptions gives every filter that is on and reaches somebody, in the order of their ids: four statements, however
// many there are. Read the Revision first: then what Subscriptions gives is of that revision or a later one.
func (s *Store) Subscriptions(ctx context.Context) ([]Subscription, error) {
	var all []Subscription
	snapshot := &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}
	if s.reader.Name() == "sqlite" {
		snapshot = nil // its driver knows no levels; every transaction there is a snapshot
	}
	err := s.read(ctx).Transaction(func(tx *gorm.DB) error {
		var err error
		all, err = subscriptions(tx)
		return err
	}, snapshot)
	return all, named("read subscriptions", err)
}

func subscriptions(tx *gorm.DB) ([]Subscription, error) {
	var (
		users        []userRow
		destinations []destinationRow
		links        []filterDestinationRow
		filters      []filterRow
	)
	reads := []struct {
		into  any
		query *gorm.DB
	}{
		{&users, tx.Where("id IN (SELECT user_id FROM filters WHERE is_on)")},
		{&destinations, tx.Where("confirmed AND is_on AND disabled = ''").Order("id")},
		{&links, tx.Where("filter_id IN (SELECT id FROM filters WHERE is_on)").Order("destination_id")},
		{&filters, tx.Where("is_on").Order("id")},
	}
	for _, r := range reads {
		if err := r.query.Find(r.into).Error; err != nil {
			return nil, err
		}
	}
	owners := make(map[uint]User, len(users))
	for _, u := range users {
		owners[u.ID] = u.user()
	}
	open := make(map[uint][]Destination)
	for _, d := range destinations {
		open[d.UserID] = append(open[d.UserID], d.destination())
	}
	return subscribe(filters, owners, open, byFilter(links)), nil
}

// subscribe puts the four together. Broken filters are left out: they cannot match, and their owner sees them marked.
func subscribe(filters []filterRow, owners map[uint]User, open map[uint][]Destination, chosen map[uint][]uint) []Subscription {
	all := make([]Subscription, 0, len(filters))
	for _, r := range filters {
		f := r.filter(owners[r.UserID], chosen[r.ID])
		to := open[r.UserID]
		if r.Chosen {
			to = slices.DeleteFunc(slices.Clone(to), func(d Destination) bool { return !slices.Contains(f.Destinations, d.ID) })
		}
		if f.Broken != "" || len(to) == 0 {
			continue
		}
		all = append(all, Subscription{Filter: f, User: owners[r.UserID], Destinations: to, Sentence: rulespec.Sentence(f.Filter)})
	}
	return all
}

// SwitchOffOneShots switches those of the filters off that are one-shot and still on, and gives their ids, ascending. It
// is part of the transaction that stores their deliveries: of several nodes that try at once, one gets the id, and the
// others, which do not, leave the filter's deliveries out.
func (s *Store) SwitchOffOneShots(tx *gorm.DB, ids []rulespec.FilterID) (switched []rulespec.FilterID, err error) {
	var burning []rulespec.FilterID
	for part := range slices.Chunk(slices.Compact(slices.Sorted(slices.Values(ids))), inStatement) {
		var some []rulespec.FilterID
		err := tx.Model(&filterRow{}).Where("id IN ? AND is_on AND one_shot", part).Order("id").Pluck("id", &some).Error
		if err != nil {
			return nil, fmt.Errorf("read one-shot filters: %w", err)
		}
		burning = append(burning, some...)
	}
	if len(burning) == 0 {
		return nil, nil
	}
	if err := bump(tx); err != nil {
		return nil, fmt.Errorf("raise revision: %w", err)
	}
	for _, id := range burning {
		done := tx.Exec("UPDATE filters SET is_on = ?, updated_at = ? WHERE id = ? AND is_on AND one_shot", false, s.micro(), id)
		if done.Error != nil {
			return nil, fmt.Errorf("switch off one-shot filter: %w", done.Error)
		}
		if done.RowsAffected > 0 {
			switched = append(switched, id)
		}
	}
	return switched, nil
}

// inStatement is how many values one statement looks for: SQLite takes 32766 parameters in one.
const inStatement = 1000
