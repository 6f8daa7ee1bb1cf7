package rulespec

import (
	"fmt"
	"slices"
)

// exactOne makes the predicate that a field, which has one value, is one of values.
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

// exactAny makes the predicate that a field, which has several values, has one of values.
func exactAny(field string, values []string, get func(*Subject) []string) Predicate {
	in := oneOf(values)
	p := anyName(field, func(name string) (bool, error) { return in(name), nil }, get)
	p.exact(field, values, selectivityName)
	return p
}

// anyName makes the predicate that one of the values of a field matches. When none does and one could not be tried, the
// rule is unknown.
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

// exact makes the predicate one that looks up values of a field and needs nothing else.
func (p *Predicate) exact(field string, values []string, each int) {
	p.Keys, p.Exact, p.Search = keys(field, values), true, nil
	p.Selectivity, p.Cost = selectivityOf(values, each), CostExact
}

// selectivityOf returns the selectivity of "one of values", where each alone has the given one.
func selectivityOf(values []string, each int) int {
	return min(selectivityAll, each*max(1, len(values)))
}

// oneOf returns a test for being one of values. It uses a loop for few, a set for many.
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

// tooLong is the error for a name that is too long to try a pattern on: a hostile message could make that cost
// anything.
func tooLong(field string) error {
	return fmt.Errorf("%w: a %s is longer than %d bytes", ErrUnevaluable, field, MaxName)
}
