package rulespec

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// addKind lists a rule kind of the given predicate until the test ends. It takes no arguments.
func addKind(t *testing.T, kind RuleKind, p Predicate) {
	t.Helper()
	kind.Compile = func(Env, Args) (Predicate, error) { return p, nil }
	before := RuleKinds
	RuleKinds = append(slices.Clone(before), &kind)
	t.Cleanup(func() { RuleKinds = before })
}

// holdsAlways is a predicate with what every kind must say, and nothing else.
func holdsAlways() Predicate {
	return Predicate{
		Match: func(*Subject) (bool, error) { return true, nil },
		Why:   func(*Subject) string { return "it holds" },
	}
}

// TestWhatAKindLeavesOutProtects: a kind that declares less costs more, and switches no protection off.
func TestWhatAKindLeavesOutProtects(t *testing.T) {
	lettersOnly := Rule{Kind: "regex", Args: Args{"pattern": {`[a-z]+`}}}
	everything := Rule{Kind: "everything"}
	mine := Rule{Kind: "mine"}
	searching := func(cost Cost, fields ...string) func(*Predicate) {
		return func(p *Predicate) {
			p.Cost = cost
			p.Search = &Search{Fields: fields, Matches: func(string) (bool, error) { return true, nil }}
		}
	}
	for _, test := range []struct {
		name    string
		declare func(*Predicate)
		rules   []Rule
		refused bool
	}{
		{"nothing, beside an expression", func(*Predicate) {}, []Rule{mine, lettersOnly}, true},
		{"a cost, beside an expression", func(p *Predicate) { p.Cost = CostExact }, []Rule{mine, lettersOnly}, true},
		{"a negative selectivity", func(p *Predicate) { p.Cost, p.Selectivity = CostExact, -1 },
			[]Rule{mine, lettersOnly}, true},
		{"that it narrows", func(p *Predicate) { p.Cost, p.Selectivity = CostExact, 1 }, []Rule{mine, lettersOnly},
			false},
		{"a cost, by itself", func(p *Predicate) { p.Cost = CostExact }, []Rule{mine}, false},
		{"no cost, by itself", func(*Predicate) {}, []Rule{mine}, true},
		{"no cost, beside an application", func(*Predicate) {},
			[]Rule{{Kind: "app", Args: Args{"name": {"git"}}}, mine}, false},
		{"a search of texts without literals", searching(CostText, "body"), []Rule{everything, mine}, true},
		{"a search of texts at a low cost", searching(CostExact, "body"), []Rule{everything, mine}, true},
		{"a search of names", searching(CostPattern, "package"), []Rule{everything, mine}, false},
		{"a search of nothing", searching(CostText), []Rule{everything, mine}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := holdsAlways()
			test.declare(&p)
			addKind(t, RuleKind{Name: "mine"}, p)
			errs := Check(Env{}, Filter{Owner: "alice", Rules: test.rules})
			if refused := len(errs) > 0; refused != test.refused {
				t.Errorf("refused: %v, want %v: %v", refused, test.refused, errs)
			}
		})
	}
}

// TestWhatAKindLeavesOutIsStillRight: an index that believes a predicate finds what Match says.
func TestWhatAKindLeavesOutIsStillRight(t *testing.T) {
	any := &Subject{Event: &catalogue.Event{Message: &bus.Message{Topic: "a"}}}
	for _, test := range []struct {
		name    string
		kind    RuleKind
		declare func(*Predicate)
	}{
		{"no keys, and exact", RuleKind{}, func(p *Predicate) { p.Exact = true }},
		{"an empty list of keys", RuleKind{}, func(p *Predicate) { p.Exact, p.Keys = true, []Key{} }},
		{"a search without fields", RuleKind{}, func(p *Predicate) {
			p.Search = &Search{Matches: func(string) (bool, error) { return false, nil }}
		}},
		{"a search without a test", RuleKind{}, func(p *Predicate) { p.Search = &Search{Fields: []string{"topic"}} }},
		{"keys of a field that is not listed", RuleKind{},
			func(p *Predicate) { p.Exact, p.Keys = true, keys("moon", []string{"full"}) }},
		{"a search of a field that is not listed", RuleKind{}, func(p *Predicate) {
			p.Search = &Search{Fields: []string{"topic", "moon"},
				Matches: func(string) (bool, error) { return false, nil }}
		}},
		{"keys and a search", RuleKind{}, func(p *Predicate) {
			p.Keys = keys("topic", []string{"a"})
			p.Search = &Search{Fields: []string{"topic"}, Matches: func(string) (bool, error) { return false, nil }}
		}},
		{"a directory, and not what it requires of it", RuleKind{Missing: func(Args, Directory) error { return nil }},
			func(p *Predicate) { p.Keys = keys("topic", []string{"b"}) }},
		{"keys of the directory, and not what it requires of it", RuleKind{},
			func(p *Predicate) { p.Exact, p.Keys = true, keys(fieldGroup, []string{"infra"}) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			declared := holdsAlways()
			test.declare(&declared)
			test.kind.Name = "mine"
			addKind(t, test.kind, declared)
			p, err := CompileRule(Env{}, Rule{Kind: "mine"})
			if err != nil {
				t.Fatal(err)
			}
			if indexed, sure := lookUp(p, any); sure && !indexed {
				t.Errorf("an index takes it that the rule does not hold: %+v", p)
			}
		})
	}
}

// lookUp returns what an index finds about a subject by look-ups alone, and whether that decides without Match.
func lookUp(p Predicate, s *Subject) (holds, sure bool) {
	if p.Search != nil {
		for _, field := range p.Search.Fields {
			for _, value := range s.AppendValues(nil, field) {
				if ok, _ := p.Search.Matches(value); ok {
					return true, true
				}
			}
		}
		return false, true
	}
	if p.Keys == nil && !p.Exact {
		return false, false
	}
	for _, key := range p.Keys {
		if slices.Contains(s.AppendValues(nil, key.Field), key.Value) {
			return true, p.Exact
		}
	}
	return false, true
}

// TestAKindWithoutItsFunctions breaks the filters that use it and nothing else.
func TestAKindWithoutItsFunctions(t *testing.T) {
	for name, spoil := range map[string]func(*RuleKind, *Predicate){
		"no Match":   func(_ *RuleKind, p *Predicate) { p.Match = nil },
		"no Why":     func(_ *RuleKind, p *Predicate) { p.Why = nil },
		"no Compile": func(k *RuleKind, _ *Predicate) { k.Compile = nil },
	} {
		t.Run(name, func(t *testing.T) {
			p := holdsAlways()
			spoil(&RuleKind{}, &p)
			addKind(t, RuleKind{Name: "mine"}, p)
			spoil(RuleKinds[len(RuleKinds)-1], &p)
			_, err := CompileRule(Env{}, Rule{Kind: "mine"})
			var wrong *Error
			if !errors.As(err, &wrong) || !strings.Contains(wrong.Problem, "has "+name) {
				t.Errorf("error %v, want one that says so", err)
			}
			if got, want := Sentence(Env{}, Filter{Rules: []Rule{{Kind: "mine", Not: true}}}),
				"when not: {mine: true}"; got != want {
				t.Errorf("without Sentence: %q, want the text form %q", got, want)
			}
		})
	}
}
