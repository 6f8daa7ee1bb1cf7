package rules_test

import (
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/notifyd/notifyd/directory"
	"github.com/notifyd/notifyd/rules"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// choices makes a chooser of bytes that rapid draws, so that what fails is made small.
func choices(t *rapid.T) *chooser {
	return newChooser(rapid.SliceOfN(rapid.Byte(), 8, 64).Draw(t, "choices"))
}

func drawRule(t *rapid.T) rulespec.Rule { return choices(t).rule() }

func drawEvent(t *rapid.T) *catalogue.Event { return choices(t).event() }

// drawDirectory gives the world's directory, or none.
func drawDirectory(t *rapid.T, dir *directory.Snapshot) rulespec.Directory {
	if rapid.IntRange(0, 3).Draw(t, "directory") == 0 {
		return nil
	}
	return dir
}

// naive is the meaning of a filter, word for word.
func naive(f rulespec.Filter, s *rulespec.Subject) bool {
	one := newLooped(f)
	return one.match(s)
}

func TestMatchAndExplainAgree(t *testing.T) {
	dir := parseDirectory(t, worldDirectory)
	rapid.Check(t, func(t *rapid.T) {
		filters := make([]rulespec.Filter, rapid.IntRange(1, 20).Draw(t, "filters"))
		for i := range filters {
			filters[i] = rulespec.Filter{
				ID:    rulespec.FilterID(i + 1),
				Owner: rapid.SampledFrom(append(people, "")).Draw(t, "owner"),
				Rules: rapid.SliceOfN(rapid.Custom(drawRule), 0, 4).Draw(t, "rules"),
			}
		}
		index, broken := newIndex(filters...)
		e, d := drawEvent(t), drawDirectory(t, dir)
		matched := index.Match(e, d)
		for _, f := range filters {
			want := naive(f, &rulespec.Subject{Event: e, Directory: d})
			if got := slices.Contains(matched, f.ID); got != want {
				t.Fatalf("Match has %+v: %v, want %v", f, got, want)
			}
			x := rules.Explain(rulespec.Env{}, e, d, f)
			if x.Matched != want {
				t.Fatalf("Explain(%+v) = %+v, want Matched = %v", f, x, want)
			}
			if want && slices.ContainsFunc(broken, func(b rules.Broken) bool { return b.Filter == f.ID }) {
				t.Fatalf("broken filter %+v matches", f)
			}
		}
	})
}

// fromGit narrows messages down, so that any rule may stand beside it.
var fromGit = rulespec.Rule{Kind: "app", Args: rulespec.Args{"name": {"git"}}}

// TestNegation: of a rule and its negation exactly one holds, or neither where the rule cannot be evaluated.
func TestNegation(t *testing.T) {
	dir := parseDirectory(t, worldDirectory)
	rapid.Check(t, func(t *rapid.T) {
		r := drawRule(t)
		r.Not = false
		plain := rulespec.Filter{ID: 1, Owner: "alice", Rules: []rulespec.Rule{fromGit, r}}
		negated := rulespec.Filter{ID: 2, Owner: "alice", Rules: []rulespec.Rule{fromGit, not(r)}}
		index, broken := newIndex(plain, negated)
		e, d := drawEvent(t), drawDirectory(t, dir)
		e.App = "git"
		got := index.Match(e, d)
		x := rules.Explain(rulespec.Env{}, e, d, plain)
		unevaluable := errors.Is(x.Rules[1].Err, rulespec.ErrUnevaluable)
		if len(broken) > 0 && !unevaluable {
			t.Fatalf("broken rule %+v is explained without an error", r)
		}
		if want := 1; unevaluable && len(got) > 0 || !unevaluable && len(got) != want {
			t.Fatalf("rule %+v, unevaluable %v: filters %v match", r, unevaluable, got)
		}
	})
}

// TestMoreRulesNeverWiden: a filter with one rule more matches no event that it did not match before, whatever the
// rule.
func TestMoreRulesNeverWiden(t *testing.T) {
	dir := parseDirectory(t, worldDirectory)
	rapid.Check(t, func(t *rapid.T) {
		base := append([]rulespec.Rule{fromGit}, rapid.SliceOfN(rapid.Custom(drawRule), 0, 3).Draw(t, "rules")...)
		more := append(slices.Clone(base), drawRule(t))
		x, _ := newIndex(rulespec.Filter{ID: 1, Owner: "bob", Rules: base}, rulespec.Filter{ID: 2, Owner: "bob", Rules: more})
		got := x.Match(drawEvent(t), drawDirectory(t, dir))
		if slices.Contains(got, 2) && !slices.Contains(got, 1) {
			t.Fatalf("%+v matches where %+v does not", more, base)
		}
	})
}

// TestLosingTheDirectoryNeverWidens: without a directory, or with one that has lost its groups and roles, no filter
// matches what it did not match with it.
func TestLosingTheDirectoryNeverWidens(t *testing.T) {
	whole, empty := parseDirectory(t, worldDirectory), parseDirectory(t, "groups: {}\n")
	rapid.Check(t, func(t *rapid.T) {
		r := drawRule(t)
		if r.Kind == "owner" && r.Args != nil && r.Args["role"] == nil {
			// Losing an ownership is not losing the directory: "not owned by bob" holds when bob owns nothing any more.
			r.Args["role"] = []string{"owner"}
		}
		f := rulespec.Filter{ID: 1, Owner: "alice", Rules: []rulespec.Rule{{Kind: "everything"}, r}}
		x, _ := newIndex(f)
		e := drawEvent(t)
		with := len(x.Match(e, whole)) > 0
		for _, lost := range []rulespec.Directory{nil, empty} {
			if !with && len(x.Match(e, lost)) > 0 {
				t.Fatalf("%+v matches only without the directory", f)
			}
		}
	})
}
