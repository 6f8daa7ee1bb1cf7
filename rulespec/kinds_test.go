package rulespec_test

import (
	"errors"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/directory"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
	"github.com/notifyd/notifyd/rulespec/kindtest"
)

var _ rulespec.Directory = (*directory.Snapshot)(nil)

// readKinds returns the vectors of all rule kinds.
func readKinds(t testing.TB) []*kindtest.Vectors {
	t.Helper()
	all, err := kindtest.ReadAll(filepath.Join("testdata", "kinds"))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestKindsHaveVectors holds each rule kind to the cases and errors of its file.
func TestKindsHaveVectors(t *testing.T) {
	for _, v := range readKinds(t) {
		t.Run(v.Kind.Name, func(t *testing.T) { runVectors(t, v) })
	}
}

func runVectors(t *testing.T, v *kindtest.Vectors) {
	dir, env := readDirectory(t, v.Directory), v.Env()
	for _, c := range v.Cases {
		if got := rulespec.RuleSentence(rulespec.Env{}, c.Rule); c.Sentence != "" && got != c.Sentence {
			t.Errorf("RuleSentence(%s) = %q, want %q", c.Text, got, c.Sentence)
		}
		p, err := rulespec.CompileRule(env, c.Rule)
		if err != nil {
			t.Errorf("CompileRule(%s): %v", c.Text, err)
			continue
		}
		given := dir
		if c.WithoutDirectory {
			given = nil
		}
		check := func(events []*catalogue.Event, holds, unevaluable bool) {
			for _, e := range events {
				checkVector(t, c.Text, c.Rule, p, &rulespec.Subject{Event: e, Directory: given}, holds, unevaluable)
			}
		}
		check(c.Matches, true, false)
		check(c.Misses, false, false)
		check(c.Unevaluable, false, true)
		if !t.Failed() { // once is enough
			checkDeclared(t, v.Kind, env, c.Rule)
		}
		if len(c.Unevaluable) > 0 && given == nil && v.Kind.Missing == nil {
			t.Errorf("%s cannot be evaluated without a directory: rule kind %s needs Missing, which says so to the owner",
				c.Text, v.Kind.Name)
		}
	}
	for _, wrong := range v.Errors {
		checkWrongRule(t, env, wrong.Text, wrong.Problem)
	}
}

func readDirectory(t *testing.T, text []byte) rulespec.Directory {
	t.Helper()
	if text == nil {
		return nil
	}
	s, err := directory.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// checkDeclared wants what protections count on, where nothing else could know it.
func checkDeclared(t *testing.T, kind *rulespec.RuleKind, env rulespec.Env, r rulespec.Rule) {
	t.Helper()
	p, err := kind.Compile(env, r.Args)
	if err != nil {
		t.Fatal(err)
	}
	if p.Cost == 0 {
		t.Errorf("rule kind %s declares no Cost, so it is refused beside everything, as a search of texts is; "+
			"set it to CostExact, CostPattern or CostText", kind.Name)
	}
	if p.Selectivity == 0 {
		t.Errorf("rule kind %s declares no Selectivity; set it to how many of 10,000 messages the rule is true for, "+
			"or to selectivityAll where it narrows nothing down", kind.Name)
	}
	inTexts := func(p rulespec.Param) bool { return p.Searched == rulespec.InTexts }
	if p.Cost == rulespec.CostText && !slices.ContainsFunc(kind.Params, inTexts) {
		t.Errorf("rule kind %s searches texts: one of its Params must be Searched: InTexts, so that it is counted",
			kind.Name)
	}
	for _, param := range kind.Params {
		args := rulespec.Args{}
		maps.Copy(args, r.Args)
		args[param.Name] = []string{"a("}
		_, err := rulespec.CompileRule(env, rulespec.Rule{Kind: r.Kind, Args: args})
		regex := err != nil && strings.Contains(err.Error(), "a ( has no )")
		if regex != (param.Searched != rulespec.NotSearched) && param.Choices == nil {
			t.Errorf("parameter %s of rule kind %s: takes regular expressions: %v; Searched says otherwise", param.Name,
				kind.Name, regex)
		}
	}
}

func checkVector(t *testing.T, text string, r rulespec.Rule, p rulespec.Predicate, s *rulespec.Subject,
	want, unevaluable bool) {
	t.Helper()
	raw, err := p.Match(s)
	if (err != nil) != unevaluable || err != nil && !errors.Is(err, rulespec.ErrUnevaluable) {
		t.Errorf("%s on %+v: error %v, want one: %v", text, s.Event, err, unevaluable)
		return
	}
	if err != nil && p.Keys != nil && !hasKey(s, p.Keys) &&
		!slices.ContainsFunc(p.Requires, func(k rulespec.Key) bool { return !s.Has(k) }) {
		t.Errorf("%s on %+v cannot be evaluated, but it has Keys and the subject all that it Requires", text, s.Event)
	}
	if holds := raw != r.Not; err == nil && holds != want {
		t.Errorf("%s on topic %q, users %q, packages %q, %q: holds = %v, want %v", text, s.Topic, s.Users, s.Packages,
			s.Prose().Summary, holds, want)
	}
	if why := p.Why(s); why == "" || strings.ContainsAny(why, "\n\r") {
		t.Errorf("%s: Why = %q, want one line", text, why)
	}
	// Keys are a promise: what has none of them does not match.
	if raw && p.Keys != nil && !hasKey(s, p.Keys) {
		t.Errorf("%s: matches an event that has none of its keys %v", text, p.Keys)
	}
	if !raw && p.Exact && hasKey(s, p.Keys) {
		t.Errorf("%s: does not match an event that has one of its keys %v, and they are sure", text, p.Keys)
	}
	if p.Search != nil {
		checkSearch(t, s, p, raw, text)
	}
}

// checkSearch holds a predicate to what its Search promises.
func checkSearch(t *testing.T, s *rulespec.Subject, p rulespec.Predicate, raw bool, text string) {
	t.Helper()
	fits := false
	for _, field := range p.Search.Fields {
		texts := s.AppendValues(nil, field)
		if slices.Contains(rulespec.Texts, field) {
			texts = []string{s.Text(field)}
		}
		for _, one := range texts {
			ok, _ := p.Search.Matches(one)
			fits = fits || ok
			if p.Search.Expression != "" {
				checkExpression(t, p.Search.Expression, one, ok)
			}
			has := hasLiterals(one, p.Search.Literals)
			if ok && !has || has && p.Search.Plain && !ok {
				t.Errorf("%s: fits %q: %v, has the literals %q: %v", text, one, ok, p.Search.Literals, has)
			}
		}
	}
	if fits != raw {
		t.Errorf("%s: Match says %v, Search %v", text, raw, fits)
	}
}

// checkExpression holds what a Search has to say of its expression to whether it fits a text.
func checkExpression(t *testing.T, expression, text string, fits bool) {
	t.Helper()
	_, leading, err := rulespec.CompileProgram(expression)
	if err != nil {
		t.Fatalf("%q: %v", expression, err)
	}
	at := regexp.MustCompile(expression).FindStringIndex(text)
	if (at != nil) != fits {
		t.Errorf("fits %q: %v, its expression %q says the contrary", text, fits, expression)
	}
	if at == nil || leading == nil {
		return
	}
	begins := string(rulespec.Fold(nil, text[at[0]:]))
	if !slices.ContainsFunc(leading, func(l string) bool { return strings.HasPrefix(begins, l) }) {
		t.Errorf("%q matches at %q, which begins with none of %q", expression, begins, leading)
	}
}

func hasLiterals(text string, sets [][]string) bool {
	folded := string(rulespec.Fold(nil, text))
	for _, set := range sets {
		if !slices.ContainsFunc(set, func(l string) bool { return strings.Contains(folded, l) }) {
			return false
		}
	}
	return true
}

func hasKey(s *rulespec.Subject, keys []rulespec.Key) bool {
	return slices.ContainsFunc(keys, func(k rulespec.Key) bool {
		return slices.Contains(s.AppendValues(nil, k.Field), k.Value)
	})
}

func parseRule(t *testing.T, text string) rulespec.Rule {
	t.Helper()
	file, err := rulespec.Parse(rulespec.Env{}, kindtest.FilterText(text))
	if err != nil {
		t.Fatalf("Parse(%s): %v", text, err)
	}
	return file.Filters[0].Rules[1]
}

// checkWrongRule wants a mistake to be found, on its line, and in words; a parse finds it unless it takes a catalogue.
func checkWrongRule(t *testing.T, env rulespec.Env, text, problem string) {
	t.Helper()
	file, err := rulespec.Parse(rulespec.Env{}, kindtest.FilterText(text))
	if err == nil {
		errs := rulespec.Check(env, file.Filters[0].Filter)
		if len(errs) == 0 {
			t.Errorf("%s: no error, want %q", text, problem)
			return
		}
		err = errors.Join(errs...)
	} else if !strings.Contains(err.Error(), "line 5, column ") {
		t.Errorf("%s: error %q says no place", text, err)
	}
	if !strings.Contains(err.Error(), problem) {
		t.Errorf("%s: error %q, want %q", text, err, problem)
	}
}
