package rules_test

import (
	"slices"

	"github.com/notifyd/notifyd/rules"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// A loop is the oracle: filters in a plain list, of which each is asked, rule by rule.
type loop []looped

type looped struct {
	id    rulespec.FilterID
	text  rulespec.Filter
	owner string
	rules []loopedRule
	wrong bool
}

type loopedRule struct {
	holds func(*rulespec.Subject) (bool, error)
	not   bool
}

func (l *loop) apply(c rules.Change) {
	*l = slices.DeleteFunc(*l, func(f looped) bool { return f.id == c.Filter.ID })
	if !c.Gone {
		*l = append(*l, newLooped(c.Filter))
	}
}

func newLooped(f rulespec.Filter) looped {
	one := looped{id: f.ID, text: f, owner: f.Owner, wrong: len(rulespec.CheckShape(f)) > 0}
	for _, r := range f.Rules {
		p, err := rulespec.CompileRule(rulespec.Env{Owner: f.Owner}, r)
		one.wrong = one.wrong || err != nil
		one.rules = append(one.rules, loopedRule{p.Match, r.Not})
	}
	return one
}

// match is the meaning of a filter, word for word.
func (f *looped) match(s *rulespec.Subject) bool {
	if f.wrong {
		return false
	}
	for _, r := range f.rules {
		if holds, err := r.holds(s); err != nil || holds == r.not {
			return false
		}
	}
	return true
}

// match gives ids in order, and for each the owner.
func (l loop) match(e *catalogue.Event, dir rulespec.Directory) (ids []rulespec.FilterID, owners map[rulespec.FilterID]string) {
	s := &rulespec.Subject{Event: e, Directory: dir}
	owners = map[rulespec.FilterID]string{}
	for i := range l {
		if l[i].match(s) {
			ids = append(ids, l[i].id)
			owners[l[i].id] = l[i].owner
		}
	}
	slices.Sort(ids)
	return ids, owners
}
