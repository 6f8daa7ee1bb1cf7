// Package kindtest reads the vectors of rule kinds, for every test that must know all rule kinds.
//
// Each rule kind has one file, rulespec/testdata/kinds/NAME.yaml. Whatever a test needs to know of a kind stands there:
//
//   - cases: rules with events that they match, miss, or cannot be evaluated on. The vectors test of rulespec runs
//     them.
//   - errors: rules that must be refused, and a part of the words for it.
//   - example: what stands in the kind's section of doc/rules.md.
//   - draw: values of the parameters, right ones and wrong ones, that random tests make rules of.
//
// So a new kind is in the conformance test, the manual, the fuzz seeds and the oracle of package rules at once.
// Section 10 of doc/rules.md describes the form of the file.
//
//	kinds, err := kindtest.ReadAll("../rulespec/testdata/kinds")
//	if err != nil {
//		t.Fatal(err) // says which file is missing or wrong, and what to do about it
//	}
//	for _, k := range kinds {
//		r := rulespec.Rule{Kind: k.Kind.Name, Args: k.Draw(rand.IntN, 0)}
//		...
//	}
package kindtest

import (
	"slices"
	"strconv"
	"strings"

	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// Vectors are what the file of one rule kind says.
type Vectors struct {
	Kind         *rulespec.RuleKind
	Owner        string              // what @me stands for; "" where no case says @me
	Directory    []byte              // in the form that directory.Parse reads; nil: there is none
	MessageKinds []string            // that the catalogue has, beside those that end in .unknown; nil: it has any
	Pages        map[string][]string // addresses, and the keys of what they show
	Example      string              // rules in the text form, a line each, as the manual shows them
	Cases        []Case
	Errors       []Mistake

	draw map[string][]string
}

// A Case is a rule of the kind and what it says of events.
type Case struct {
	Text                         string // the rule in the text form
	Rule                         rulespec.Rule
	Sentence                     string // the rule in words; "" where the file does not say
	WithoutDirectory             bool   // the events come while there is no directory
	Matches, Misses, Unevaluable []*catalogue.Event
}

// A Mistake is a rule that must be refused.
type Mistake struct {
	Text    string // the rule in the text form
	Problem string // a part of the error
}

// Env is what the rules of the file are compiled for.
func (v *Vectors) Env() rulespec.Env {
	env := rulespec.Env{Owner: v.Owner, ObjectsOf: func(address string) []string { return v.Pages[address] }}
	if v.MessageKinds != nil {
		env.KnowsKind = func(name string) bool {
			return slices.Contains(v.MessageKinds, name) || strings.HasSuffix(name, ".unknown")
		}
	}
	return env
}

// Values returns what random tests draw the values of a parameter from: its choices and what the file has under draw. A
// <n> in a value stands for a number that the test draws. See Draw.
func (v *Vectors) Values(p rulespec.Param) []string { return slices.Concat(p.Choices, v.draw[p.Name]) }

// Draw draws the arguments of a rule, right ones and wrong ones: each parameter that may be left out in half of the
// rules, of one that takes several values one to three, seldom none. below returns a number below n. numbers is how
// many numbers there are for <n>; with 0 no value that has one is drawn.
func (v *Vectors) Draw(below func(n int) int, numbers int) rulespec.Args {
	args := rulespec.Args{}
	for _, p := range v.Kind.Params {
		if p.Optional && below(2) == 0 {
			continue
		}
		values := v.Values(p)
		if numbers == 0 {
			values = slices.DeleteFunc(values, func(value string) bool { return strings.Contains(value, number) })
		}
		one := func() string {
			value := values[below(len(values))]
			if strings.Contains(value, number) {
				value = strings.ReplaceAll(value, number, strconv.Itoa(below(numbers)))
			}
			return value
		}
		if below(40) == 0 {
			args[p.Name] = nil
			continue
		}
		args[p.Name] = []string{one()}
		for p.Many && len(args[p.Name]) < 3 && below(3) == 0 {
			args[p.Name] = append(args[p.Name], one())
		}
	}
	return args
}

// number stands for a number in a value under draw.
const number = "<n>"

// Events returns all events of the cases.
func (v *Vectors) Events() []*catalogue.Event {
	var all []*catalogue.Event
	for _, c := range v.Cases {
		all = slices.Concat(all, c.Matches, c.Misses, c.Unevaluable)
	}
	return all
}

// Filters returns a text of one filter for each rule that the file has, right or wrong: seeds for fuzz tests.
func (v *Vectors) Filters() [][]byte {
	var all [][]byte
	for _, c := range v.Cases {
		all = append(all, FilterText(c.Text))
	}
	for _, e := range v.Errors {
		all = append(all, FilterText(e.Text))
	}
	return all
}

// FilterText returns the text of a filter with the rule in line 5, behind one that narrows messages down, so that it is
// whole whatever the rule is.
func FilterText(rule string) []byte {
	return []byte("filters:\n  - name: vector\n    rules:\n      - app: vector\n      - " + rule + "\n")
}
