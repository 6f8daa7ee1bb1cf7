package rules

import (
	"errors"
	"fmt"
	"slices"

	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// Explain gives each rule's verdict for one filter, broken or not; false when the Matcher has no such filter. It agrees
// with Match.
func (m *Matcher) Explain(e *catalogue.Event, dir rulespec.Directory, id rulespec.FilterID) (Explanation, bool) {
	m.lock.RLock()
	f, known := m.filters[id]
	m.lock.RUnlock()
	if !known {
		return Explanation{}, false
	}
	return Explain(m.env, e, dir, f), true
}

// NearMisses explains the filters of owner that e does not match because of exactly one rule, in the order of their ids.
// A rule that cannot be evaluated is one that fails; a filter that is broken in itself is no near miss.
func (m *Matcher) NearMisses(e *catalogue.Event, dir rulespec.Directory, owner string) []Explanation {
	m.lock.RLock()
	filters := make([]rulespec.Filter, 0, len(m.owned[owner]))
	for _, id := range m.owned[owner] {
		filters = append(filters, m.filters[id])
	}
	m.lock.RUnlock()
	return NearMisses(m.env, e, dir, filters)
}

// Explain gives each rule's verdict for f, compiled in env, with the predicates that an Index has.
func Explain(env rulespec.Env, e *catalogue.Event, dir rulespec.Directory, f rulespec.Filter) Explanation {
	env.Owner = f.Owner
	s := &rulespec.Subject{Event: e, Directory: dir}
	x := Explanation{Filter: f.ID, Matched: len(rulespec.CheckShape(f)) == 0, Rules: make([]Verdict, len(f.Rules))}
	for i, r := range f.Rules {
		x.Rules[i] = verdict(env, s, r)
		x.Matched = x.Matched && x.Rules[i].Holds
	}
	return x
}

// NearMisses is the method of that name for filters that no Matcher has.
func NearMisses(env rulespec.Env, e *catalogue.Event, dir rulespec.Directory, filters []rulespec.Filter) []Explanation {
	var near []Explanation
	for _, f := range filters {
		if _, err := compileRules(env, f); err != nil {
			continue
		}
		x := Explain(env, e, dir, f)
		failed := slices.Clone(x.Rules)
		failed = slices.DeleteFunc(failed, func(v Verdict) bool { return v.Holds })
		if len(failed) == 1 {
			near = append(near, x)
		}
	}
	return near
}

// verdict says what one rule says. What cannot be evaluated does not hold, also under not.
func verdict(env rulespec.Env, s *rulespec.Subject, r rulespec.Rule) Verdict {
	v := Verdict{Rule: r}
	p, err := rulespec.CompileRule(env, r)
	if err != nil {
		v.Err = fmt.Errorf("%w: %w", rulespec.ErrUnevaluable, err)
		v.Reason = reason(v.Err)
		return v
	}
	ok, err := p.Match(s)
	if err != nil {
		v.Err, v.Reason = err, reason(err)
		return v
	}
	v.Holds, v.Reason = ok != r.Not, p.Why(s)
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
