package rules_test

import (
	"maps"
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

func newLooped(f rulespec.Filter) looped { return newLoopedIn(rulespec.Env{}, f) }

func newLoopedIn(env rulespec.Env, f rulespec.Filter) looped {
	one := looped{id: f.ID, text: f, wrong: len(rulespec.Check(env, f)) > 0}
	env.Owner = f.Owner
	for _, r := range f.Rules {
		p, err := rulespec.CompileRule(env, r)
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

// nearly says whether exactly one rule is against it.
func (f *looped) nearly(s *rulespec.Subject) bool {
	against := 0
	for _, r := range f.rules {
		if f.wrong {
			return false
		}
		if holds, err := r.holds(s); err != nil || holds == r.not {
			against++
		}
	}
	return against == 1
}

// match gives ids in order, and for each the owner.
func (l loop) match(e *catalogue.Event, dir rulespec.Directory) (
	ids []rulespec.FilterID, owners map[rulespec.FilterID]string,
) {
	s := &rulespec.Subject{Event: e, Directory: dir}
	owners = map[rulespec.FilterID]string{}
	for i := range l {
		if l[i].match(s) {
			ids = append(ids, l[i].id)
			owners[l[i].id] = l[i].text.Owner
		}
	}
	slices.Sort(ids)
	return ids, owners
}

// A table is a loop whose filters come, change and go.
type table struct {
	env  rulespec.Env
	by   map[rulespec.FilterID]looped
	list loop // nil: to be made of by
}

func newTable(env rulespec.Env) *table { return &table{env: env, by: map[rulespec.FilterID]looped{}} }

func (t *table) apply(changes []rules.Change) {
	for _, c := range changes {
		if c.Gone {
			delete(t.by, c.Filter.ID)
		} else {
			t.by[c.Filter.ID] = newLoopedIn(t.env, c.Filter)
		}
	}
	t.list = nil
}

func (t *table) loop() loop {
	if t.list == nil {
		t.list = make(loop, 0, len(t.by))
		for _, id := range slices.Sorted(maps.Keys(t.by)) {
			t.list = append(t.list, t.by[id])
		}
	}
	return t.list
}

// filters gives the filters as they were typed, by id.
func (t *table) filters() []rulespec.Filter {
	var list []rulespec.Filter
	for _, f := range t.loop() {
		list = append(list, f.text)
	}
	return list
}

// move compiles all filters in another environment.
func (t *table) move(env rulespec.Env) {
	filters := t.filters()
	t.env = env
	for _, f := range filters {
		t.by[f.ID] = newLoopedIn(env, f)
	}
	t.list = nil
}
