package rulespec

import (
	"fmt"
	"slices"
	"strings"
)

var kindObject = &RuleKind{
	Name:  "object",
	Title: "One ticket, build or update",
	Doc:   "The message is about one particular thing: a ticket, a build, an update, a pull request.",
	Params: []Param{{
		Name: "key", Title: "Key, or address of its page", Many: true,
		Doc: "The key as the page of a message shows it, such as update/FEDORA-2026-0a1b2c3d4e, or the address of the " +
			"thing's own page.",
	}},
	Compile: func(env Env, args Args) (Predicate, error) {
		keys, err := objects(env, args["key"])
		if err != nil {
			return Predicate{}, err
		}
		if slices.ContainsFunc(keys, isAddress) {
			return unknownObject(keys), nil
		}
		p := exactAny(fieldObject, keys, func(s *Subject) []string { return s.Objects })
		p.Selectivity = selectivityOf(keys, 1)
		return p, nil
	},
	Sentence: func(args Args, not bool) string {
		return "it is " + strings.TrimPrefix(is(not), "is ") + "about " + either(args["key"])
	},
}

// objects returns keys with addresses of pages replaced by the keys of what they show. An address that nothing is known
// for is a mistake: under `not` it would let everything through. Without a catalogue addresses stay.
func objects(env Env, given []string) ([]string, error) {
	var keys []string
	for _, value := range given {
		if env.ObjectsOf == nil || !isAddress(value) {
			keys = append(keys, value)
			continue
		}
		found := env.ObjectsOf(value)
		if len(found) == 0 {
			return nil, problem("key", "no kind of page is known that has the address %s; give the key of the thing, which the "+
				"page of each message about it shows", quoted(value))
		}
		keys = append(keys, found...)
	}
	slices.Sort(keys)
	return slices.Compact(keys), nil
}

// isAddress reports whether a value is the address of a page. No key begins so.
func isAddress(value string) bool {
	return strings.HasPrefix(value, "https://") || strings.HasPrefix(value, "http://")
}

// unknownObject makes the predicate of a rule with an address where nothing says what that shows.
func unknownObject(keys []string) Predicate {
	in := oneOf(keys)
	return Predicate{
		Match: func(s *Subject) (bool, error) {
			if slices.ContainsFunc(s.Objects, in) {
				return true, nil
			}
			return false, fmt.Errorf("%w: without a catalogue nobody knows what a page shows", ErrUnevaluable)
		},
		Why:         func(s *Subject) string { return listing(fieldObject, s.Objects) },
		Selectivity: 1,
		Cost:        CostExact,
	}
}
