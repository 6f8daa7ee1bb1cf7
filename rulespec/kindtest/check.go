package kindtest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/notifyd/notifyd/rulespec"
)

// check wants everything in a file that the tests of any room count on.
func (v *Vectors) check() error {
	var lacks []string
	want := func(there bool, what string, args ...any) {
		if !there {
			lacks = append(lacks, fmt.Sprintf(what, args...))
		}
	}
	has := func(of func(Case) bool) bool { return slices.ContainsFunc(v.Cases, of) }
	want(has(func(c Case) bool { return len(c.Matches) > 0 }), "a case with `matches`")
	want(has(func(c Case) bool { return len(c.Misses) > 0 }), "a case with `misses`")
	want(has(func(c Case) bool { return c.Rule.Not }), "a case under `not`")
	want(has(func(c Case) bool { return c.Sentence != "" }), "a case with its `sentence`")
	if v.Kind.Missing != nil {
		unknown := func(c Case) bool { return len(c.Unevaluable) > 0 }
		want(has(func(c Case) bool { return unknown(c) && !c.Rule.Not }), "a case with `unevaluable`")
		want(has(func(c Case) bool { return unknown(c) && c.Rule.Not }), "a case with `unevaluable` under `not`")
		want(has(func(c Case) bool { return unknown(c) && c.WithoutDirectory }), "a case with `without_directory`")
	}
	want(len(v.Errors) > 0, "`errors`, rules that are refused")
	want(v.Example != "", "an `example` for the manual")
	for _, p := range v.Kind.Params {
		want(len(v.Values(p)) > 0, "values for the parameter %s under `draw`", p.Name)
		values := func(c Case) []string { return c.Rule.Args[p.Name] }
		want(has(func(c Case) bool { return len(values(c)) > 0 }), "a case with the parameter %s", p.Name)
		for _, choice := range p.Choices {
			want(has(func(c Case) bool { return slices.Contains(values(c), choice) }), "a case with %s: %s", p.Name, choice)
		}
	}
	if len(lacks) > 0 {
		return fmt.Errorf("the file lacks %s", strings.Join(lacks, "; "))
	}
	for _, name := range slices.Sorted(maps.Keys(v.draw)) {
		if !slices.ContainsFunc(v.Kind.Params, func(p rulespec.Param) bool { return p.Name == name }) {
			return fmt.Errorf("`draw` has %q, which is no parameter of rule kind %s", name, v.Kind.Name)
		}
	}
	return nil
}
