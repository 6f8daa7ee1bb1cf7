package rulespec

import (
	"fmt"
	"slices"
)

// exactOne makes the predicate of a field with one value, equal to one of values.
func exactOne(field string, values []string, get func(*Subject) string) Predicate {
	in := oneOf(values)
	return Predicate{
		Match: func(s *Subject) (bool, error) { return in(get(s)), nil },
		Why: func(s *Subject) string {
			if value := get(s); value != "" {
				return field + " " + word(value)
			}
			return "no " + field
		},
		Keys:        keys(field, values),
		Exact:       true,
		Selectivity: selectivityOf(values, selectivityTopic),
		Cost:        CostExact,
	}
}

// exactAny makes the predicate of a field with several values, of which one is one of values.
func exactAny(field string, values []string, get func(*Subject) []string) Predicate {
	in := oneOf(values)
	p := anyName(field, func(name string) (bool, error) { return in(name), nil }, get)
	p.exact(field, values, selectivityName)
	return p
}

// anyName makes the predicate of a field with several values, of which one matches. One that matches decides; when none does
// and one could not be tried, the rule cannot be evaluated.
func anyName(field string, matches func(name string) (bool, error), get func(*Subject) []string) Predicate {
	return Predicate{
		Match: func(s *Subject) (bool, error) {
			var untried error
			for _, name := range get(s) {
				ok, err := matches(name)
				if ok {
					return true, nil
				}
				if err != nil {
					untried = err
				}
			}
			return false, untried
		},
		Why: func(s *Subject) string {
			for _, name := range get(s) {
				if ok, _ := matches(name); ok {
					return field + " " + word(name)
				}
			}
			return listing(field, get(s))
		},
		Cost: CostPattern,
	}
}

// exact makes the predicate one of which values of a field are all there is to say.
func (p *Predicate) exact(field string, values []string, each int) {
	p.Keys, p.Exact, p.Search = keys(field, values), true, nil
	p.Selectivity, p.Cost = selectivityOf(values, each), CostExact
}

// selectivityOf gives the selectivity of one of values, where each has the given one.
func selectivityOf(values []string, each int) int {
	return min(selectivityAll, each*max(1, len(values)))
}

// oneOf gives a test for being one of values: a loop for few, a set for many.
func oneOf(values []string) func(string) bool {
	if len(values) <= 4 {
		return func(s string) bool { return slices.Contains(values, s) }
	}
	set := make(map[string]struct{}, len(values))
	for _, v := range values {
		set[v] = struct{}{}
	}
	return func(s string) bool {
		_, ok := set[s]
		return ok
	}
}

func keys(field string, values []string) []Key {
	keys := make([]Key, len(values))
	for i, v := range values {
		keys[i] = Key{Field: field, Value: v}
	}
	return keys
}

// tooLong says that a pattern was not tried on a name: matching it could cost what a hostile message asks for.
func tooLong(field string) error {
	return fmt.Errorf("%w: a %s is longer than %d bytes", ErrUnevaluable, field, MaxName)
}
