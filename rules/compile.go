package rules

import (
	"cmp"
	"errors"
	"slices"

	"github.com/notifyd/notifyd/rulespec"
)

// A filter is a compiled filter. One that is broken is kept for Explain and takes no part in Match.
type filter struct {
	id     rulespec.FilterID
	rules  []rule // as the filter has them
	order  []int  // places in rules, the cheapest first
	broken bool
}

// A rule is a compiled rule.
type rule struct {
	rulespec.Rule
	predicate rulespec.Predicate
	err       error // why it could not be compiled
}

// Compile makes a Matcher of filters. Filters that cannot be compiled never match and come back in broken, in the order
// of their ids; so does the second of two with the same id.
func Compile(filters []rulespec.Filter) (m *Matcher, broken []Broken) {
	return CompileIn(rulespec.Env{}, filters)
}

// CompileIn is Compile with the kinds of messages that env knows. The owner is each filter's own.
func CompileIn(env rulespec.Env, filters []rulespec.Filter) (m *Matcher, broken []Broken) {
	filters = slices.Clone(filters)
	slices.SortStableFunc(filters, func(a, b rulespec.Filter) int { return cmp.Compare(a.ID, b.ID) })
	m = &Matcher{
		hung:  map[rulespec.Key][]int32{},
		place: make(map[rulespec.FilterID]int32, len(filters)),
	}
	for _, f := range filters {
		if _, twice := m.place[f.ID]; twice {
			broken = append(broken, Broken{f.ID, errors.New("another filter has the same id")})
			continue
		}
		compiled, err := compileFilter(env, f)
		if err != nil {
			broken = append(broken, Broken{f.ID, err})
		}
		m.add(compiled)
	}
	return m, broken
}

func compileFilter(env rulespec.Env, f rulespec.Filter) (filter, error) {
	compiled := filter{id: f.ID, rules: make([]rule, len(f.Rules)), order: make([]int, len(f.Rules))}
	env.Owner = f.Owner
	errs := rulespec.CheckShape(f)
	for i, r := range f.Rules {
		p, err := rulespec.CompileRule(env, r)
		if err != nil {
			errs = append(errs, err)
		}
		compiled.rules[i] = rule{Rule: r, predicate: p, err: err}
		compiled.order[i] = i
	}
	slices.SortStableFunc(compiled.order, func(a, b int) int {
		return cmp.Compare(compiled.rules[a].predicate.Cost, compiled.rules[b].predicate.Cost)
	})
	compiled.broken = len(errs) > 0
	return compiled, errors.Join(errs...)
}

// add puts f behind all others and hangs it from the keys of its most telling positive rule.
func (m *Matcher) add(f filter) {
	at := int32(len(m.filters))
	m.filters = append(m.filters, f)
	m.place[f.id] = at
	if f.broken {
		return
	}
	keys := f.keys()
	if keys == nil {
		m.loose = append(m.loose, at)
		return
	}
	for _, k := range keys {
		if list := m.hung[k]; len(list) == 0 || list[len(list)-1] != at {
			m.hung[k] = append(list, at)
		}
	}
}

// keys gives the keys of the positive rule whose field tells most; nil when no positive rule has keys.
func (f *filter) keys() []rulespec.Key {
	var best []rulespec.Key
	for i := range f.rules {
		r := &f.rules[i]
		if keys := r.predicate.Keys; !r.Not && keys != nil && (best == nil || telling(keys) < telling(best)) {
			best = keys
		}
	}
	return best
}

// telling ranks keys: the rarer a value of the field is among messages, the lower. Fields that are not in the table rank
// last, which costs time and never an answer.
func telling(keys []rulespec.Key) int {
	rank := slices.Index([]string{"user", "package", "actor", "kind", "topic"}, keys[0].Field)
	if rank < 0 {
		return 5
	}
	return rank
}
