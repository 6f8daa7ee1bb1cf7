package prefs

import (
	"encoding/json"
	"fmt"

	"github.com/notifyd/notifyd/rulespec"
)

// newFilterRow checks a filter and makes its row.
func newFilterRow(f Filter, now int64) (filterRow, error) {
	if err := checkFilter(f.Filter); err != nil {
		return filterRow{}, err
	}
	text, err := marshalRules(f.Rules)
	if err != nil {
		return filterRow{}, err
	}
	return filterRow{
		ID: uint(f.ID), UserID: f.UserID, Name: f.Name, Rules: text, IsOn: f.On, OneShot: f.OneShot,
		Chosen: len(f.Destinations) > 0, CreatedAt: now, UpdatedAt: now,
	}, nil
}

// filter makes a Filter of a row. Rules that this version cannot read, or would not take, leave it broken: it is kept as
// it is and never matches.
func (r filterRow) filter(owner User, destinations []uint) Filter {
	f := Filter{
		Filter: rulespec.Filter{ID: rulespec.FilterID(r.ID), Owner: owner.Name, Name: r.Name},
		UserID: r.UserID, On: r.IsOn, OneShot: r.OneShot, Destinations: destinations,
	}
	rules, err := unmarshalRules(r.Rules)
	if err != nil {
		f.Broken = err.Error()
		return f
	}
	f.Rules = rules
	if err := checkFilter(f.Filter); err != nil {
		f.Broken = err.Error()
	} else if r.Chosen && len(destinations) == 0 {
		f.Broken = "the destinations it was for are gone; choose others"
	}
	return f
}

// byFilter sorts rows into lists by filter.
func byFilter(rows []filterDestinationRow) map[uint][]uint {
	lists := make(map[uint][]uint)
	for _, r := range rows {
		lists[r.FilterID] = append(lists[r.FilterID], r.DestinationID)
	}
	return lists
}

func checkFilter(f rulespec.Filter) error {
	if len(f.Rules) == 0 {
		return &rulespec.Error{Filter: f.Name, Problem: "has no rules, so it would never match"}
	}
	return nil
}

func sentence(f rulespec.Filter) string { return f.Name }

func marshalRules(rules []rulespec.Rule) (string, error) {
	text, err := json.Marshal(rules)
	return string(text), err
}

func unmarshalRules(text string) (rules []rulespec.Rule, err error) {
	if err := json.Unmarshal([]byte(text), &rules); err != nil {
		return nil, fmt.Errorf("read rules: %w", err)
	}
	return rules, nil
}
