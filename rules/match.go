package rules

import (
	"errors"
	"fmt"
	"slices"

	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// Match gives the ids of the filters that e matches, ascending. dir is the directory as it stood when e came, and may be
// nil: then what asks it cannot be evaluated.
func (m *Matcher) Match(e *catalogue.Event, dir rulespec.Directory) []rulespec.FilterID {
	s := &rulespec.Subject{Event: e, Directory: dir}
	var ids []rulespec.FilterID
	for _, at := range m.candidates(s) {
		if f := &m.filters[at]; f.match(s) {
			ids = append(ids, f.id)
		}
	}
	return ids
}

// candidates gives the places of the filters that s may match, ascending, each once.
func (m *Matcher) candidates(s *rulespec.Subject) []int32 {
	places := slices.Clone(m.loose)
	for key := range s.Keys() {
		places = append(places, m.hung[key]...)
	}
	slices.Sort(places)
	return slices.Compact(places)
}

// match says whether every rule holds. The first that does not, or that cannot be evaluated, decides.
func (f *filter) match(s *rulespec.Subject) bool {
	for _, i := range f.order {
		if holds, _ := f.rules[i].holds(s); !holds {
			return false
		}
	}
	return true
}

// holds says whether the rule holds, negation included. What cannot be evaluated does not hold, also under not.
func (r *rule) holds(s *rulespec.Subject) (bool, error) {
	if r.err != nil {
		return false, fmt.Errorf("%w: %w", rulespec.ErrUnevaluable, r.err)
	}
	holds, err := r.predicate.Match(s)
	if err != nil {
		return false, err
	}
	return holds != r.Not, nil
}

// Explain gives each rule's verdict for one filter, broken or not; false when the Matcher has no such filter. It agrees
// with Match.
func (m *Matcher) Explain(e *catalogue.Event, dir rulespec.Directory, id rulespec.FilterID) (Explanation, bool) {
	at, known := m.place[id]
	if !known {
		return Explanation{}, false
	}
	f := &m.filters[at]
	s := &rulespec.Subject{Event: e, Directory: dir}
	x := Explanation{Filter: id, Matched: !f.broken, Rules: make([]Verdict, len(f.rules))}
	for i := range f.rules {
		x.Rules[i] = f.rules[i].verdict(s)
		x.Matched = x.Matched && x.Rules[i].Holds
	}
	return x, true
}

func (r *rule) verdict(s *rulespec.Subject) Verdict {
	v := Verdict{Rule: r.Rule}
	v.Holds, v.Err = r.holds(s)
	if v.Err != nil {
		v.Reason = reason(v.Err)
		return v
	}
	v.Reason = r.predicate.Why(s)
	return v
}

// reason says in words why a rule could not be evaluated.
func reason(err error) string {
	var wrong *rulespec.Error
	if errors.As(err, &wrong) {
		return "cannot be evaluated: " + wrong.Text()
	}
	return err.Error()
}
