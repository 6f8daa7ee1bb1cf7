package rules_test

import (
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/directory"
	"github.com/notifyd/notifyd/rules"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// A world is small, so that random rules and events meet.
const worldDirectory = `
groups: {g1: [alice, bob], g2: [carol], g3: []}
packages:
  bash: {owner: [alice], commit: [bob, "@g2"]}
  zsh: {owner: ["@g1"]}
  kernel: {watch: [carol]}
`

var (
	someone   = rapid.SampledFrom([]string{"alice", "bob", "carol", "dave"})
	something = rapid.SampledFrom([]string{"bash", "zsh", "kernel", "kernel-rt"})
	someBody  = rapid.SampledFrom([]any{nil, "text", map[string]any{"state": 1}, map[string]any{"state": "x", "by": map[string]any{"name": "alice"}}})
	someTopic = rapid.SampledFrom([]string{"org.x.prod.git.receive", "org.x.stg.git.receive", "org.x.prod.wiki.edit"})
	someApp   = rapid.SampledFrom([]string{"git", "wiki"})
	someKind  = rapid.SampledFrom([]string{"git.receive", "wiki.edit"})
)

// someRules draws rules of every kind, right ones and wrong ones.
var someRules = map[string]func(*rapid.T) rulespec.Args{
	"app":  func(t *rapid.T) rulespec.Args { return rulespec.Args{"name": many(t, someApp)} },
	"kind": func(t *rapid.T) rulespec.Args { return rulespec.Args{"name": many(t, someKind)} },
	"actor": func(t *rapid.T) rulespec.Args {
		return rulespec.Args{"name": many(t, rapid.OneOf(someone, rapid.Just("@me")))}
	},
	"user": func(t *rapid.T) rulespec.Args {
		return rulespec.Args{"name": many(t, rapid.OneOf(someone, rapid.Just("@me")))}
	},
	"topic": func(t *rapid.T) rulespec.Args {
		return rulespec.Args{"pattern": many(t, rapid.OneOf(someTopic, rapid.SampledFrom([]string{"*.git.*", "org.?.prod*", "a[", "*"})))}
	},
	"package": func(t *rapid.T) rulespec.Args {
		return rulespec.Args{"name": many(t, rapid.OneOf(something, rapid.SampledFrom([]string{"kernel*", "?sh", "[bz]*"})))}
	},
	"package_regex": func(t *rapid.T) rulespec.Args {
		return rulespec.Args{"pattern": many(t, rapid.SampledFrom([]string{"sh$", "^KERNEL", "("}))}
	},
	"group": func(t *rapid.T) rulespec.Args {
		return rulespec.Args{"name": many(t, rapid.SampledFrom([]string{"g1", "g2", "g3", "gone"}))}
	},
	"owner": func(t *rapid.T) rulespec.Args {
		args := rulespec.Args{"user": many(t, rapid.OneOf(someone, rapid.Just("@me")))}
		if rapid.Bool().Draw(t, "role?") {
			args["role"] = many(t, rapid.SampledFrom([]string{"owner", "commit", "watch", "gone"}))
		}
		if rapid.Bool().Draw(t, "via?") {
			args["via"] = []string{rapid.SampledFrom([]string{"person", "group"}).Draw(t, "via")}
		}
		return args
	},
	"regex": func(t *rapid.T) rulespec.Args {
		return rulespec.Args{"pattern": many(t, rapid.SampledFrom([]string{"push", "EDIT", "x+", ".*"}))}
	},
	"field": func(t *rapid.T) rulespec.Args {
		args := rulespec.Args{"path": many(t, rapid.SampledFrom([]string{"state", "by.name", "gone", ".."}))}
		if rapid.Bool().Draw(t, "is?") {
			args["is"] = many(t, rapid.SampledFrom([]string{"1", "al*", "["}))
		}
		if rapid.Bool().Draw(t, "topic?") {
			args["topic"] = many(t, someTopic)
		}
		return args
	},
	"severity": func(t *rapid.T) rulespec.Args {
		return rulespec.Args{"least": {rapid.SampledFrom([]string{"info", "error", "debug"}).Draw(t, "least")}}
	},
	"everything": func(*rapid.T) rulespec.Args { return nil },
	"weather":    func(*rapid.T) rulespec.Args { return nil },
}

func many(t *rapid.T, from *rapid.Generator[string]) []string {
	return rapid.SliceOfN(from, 1, 3).Draw(t, "values")
}

func drawRule(t *rapid.T) rulespec.Rule {
	names := make([]string, 0, len(someRules))
	for name := range someRules {
		names = append(names, name)
	}
	slices.Sort(names)
	kind := rapid.SampledFrom(names).Draw(t, "kind")
	return rulespec.Rule{Kind: kind, Args: someRules[kind](t), Not: rapid.Bool().Draw(t, "not")}
}

func drawEvent(t *rapid.T) *catalogue.Event {
	set := func(from *rapid.Generator[string], label string) []string {
		values := rapid.SliceOfN(from, 0, 3).Draw(t, label)
		slices.Sort(values)
		return slices.Compact(values)
	}
	e := &catalogue.Event{
		Message:  &bus.Message{Topic: someTopic.Draw(t, "topic"), Body: someBody.Draw(t, "body")},
		App:      someApp.Draw(t, "app"),
		Kind:     someKind.Draw(t, "kind"),
		Users:    set(someone, "users"),
		Packages: set(something, "packages"),
		Severity: rapid.SampledFrom([]catalogue.Severity{0, catalogue.Debug, catalogue.Info, catalogue.Critical}).Draw(t, "severity"),
	}
	if len(e.Users) > 0 {
		e.Actor = e.Users[0]
	}
	e.SetProse(catalogue.Prose{Summary: rapid.SampledFrom([]string{"", "alice pushed", "bob edited"}).Draw(t, "summary")})
	return e
}

// drawDirectory gives the world's directory, or none.
func drawDirectory(t *rapid.T, dir *directory.Snapshot) rulespec.Directory {
	if rapid.IntRange(0, 3).Draw(t, "directory") == 0 {
		return nil
	}
	return dir
}

// TestEveryKindIsDrawn fails when a new kind is not among the random rules.
func TestEveryKindIsDrawn(t *testing.T) {
	for _, k := range rulespec.Kinds {
		if someRules[k.Name] == nil {
			t.Errorf("the properties know no rule of kind %s", k.Name)
		}
	}
}

// naive is the meaning of a filter, word for word: the oracle for Match and Explain.
func naive(f rulespec.Filter, s *rulespec.Subject) bool {
	positive := false
	for _, r := range f.Rules {
		p, err := rulespec.CompileRule(rulespec.Env{Owner: f.Owner}, r)
		if err != nil {
			return false
		}
		holds, err := p.Match(s)
		if err != nil || holds == r.Not {
			return false
		}
		positive = positive || !r.Not
	}
	return positive
}

func TestMatchAndExplainAgree(t *testing.T) {
	dir := parseDirectory(t, worldDirectory)
	rapid.Check(t, func(t *rapid.T) {
		filters := make([]rulespec.Filter, rapid.IntRange(1, 20).Draw(t, "filters"))
		for i := range filters {
			filters[i] = rulespec.Filter{
				ID:    rulespec.FilterID(i + 1),
				Owner: rapid.OneOf(someone, rapid.Just("")).Draw(t, "owner"),
				Rules: rapid.SliceOfN(rapid.Custom(drawRule), 0, 4).Draw(t, "rules"),
			}
		}
		m, broken := rules.Compile(filters)
		e, d := drawEvent(t), drawDirectory(t, dir)
		matched := m.Match(e, d)
		for _, f := range filters {
			want := naive(f, &rulespec.Subject{Event: e, Directory: d})
			if got := slices.Contains(matched, f.ID); got != want {
				t.Fatalf("Match has %+v: %v, want %v", f, got, want)
			}
			x, known := m.Explain(e, d, f.ID)
			if !known || x.Matched != want {
				t.Fatalf("Explain(%+v) = %+v, want Matched = %v", f, x, want)
			}
			if want && slices.ContainsFunc(broken, func(b rules.Broken) bool { return b.Filter == f.ID }) {
				t.Fatalf("broken filter %+v matches", f)
			}
		}
	})
}

// TestNegation: of a rule and its negation exactly one holds, or neither where the rule cannot be evaluated.
func TestNegation(t *testing.T) {
	dir := parseDirectory(t, worldDirectory)
	rapid.Check(t, func(t *rapid.T) {
		r := drawRule(t)
		r.Not = false
		everything := rulespec.Rule{Kind: "everything"}
		plain := rulespec.Filter{ID: 1, Owner: "alice", Rules: []rulespec.Rule{everything, r}}
		negated := rulespec.Filter{ID: 2, Owner: "alice", Rules: []rulespec.Rule{everything, not(r)}}
		m, broken := rules.Compile([]rulespec.Filter{plain, negated})
		e, d := drawEvent(t), drawDirectory(t, dir)
		got := m.Match(e, d)
		x, _ := m.Explain(e, d, 1)
		unevaluable := errors.Is(x.Rules[1].Err, rulespec.ErrUnevaluable)
		if len(broken) > 0 && !unevaluable {
			t.Fatalf("broken rule %+v is explained without an error", r)
		}
		if want := 1; unevaluable && len(got) > 0 || !unevaluable && len(got) != want {
			t.Fatalf("rule %+v, unevaluable %v: filters %v match", r, unevaluable, got)
		}
	})
}

// TestMoreRulesNeverWiden: a filter with one rule more matches no event that it did not match before, whatever the rule.
func TestMoreRulesNeverWiden(t *testing.T) {
	dir := parseDirectory(t, worldDirectory)
	rapid.Check(t, func(t *rapid.T) {
		first := rulespec.Rule{Kind: "everything"}
		base := append([]rulespec.Rule{first}, rapid.SliceOfN(rapid.Custom(drawRule), 0, 3).Draw(t, "rules")...)
		more := append(slices.Clone(base), drawRule(t))
		m, _ := rules.Compile([]rulespec.Filter{{ID: 1, Owner: "bob", Rules: base}, {ID: 2, Owner: "bob", Rules: more}})
		got := m.Match(drawEvent(t), drawDirectory(t, dir))
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
		if r.Kind == "owner" && r.Args["role"] == nil {
			// Losing an ownership is not losing the directory: "not owned by bob" holds when bob owns nothing any more.
			r.Args["role"] = []string{"owner"}
		}
		f := rulespec.Filter{ID: 1, Owner: "alice", Rules: []rulespec.Rule{{Kind: "everything"}, r}}
		m, _ := rules.Compile([]rulespec.Filter{f})
		e := drawEvent(t)
		with := len(m.Match(e, whole)) > 0
		for _, lost := range []rulespec.Directory{nil, empty} {
			if !with && len(m.Match(e, lost)) > 0 {
				t.Fatalf("%+v matches only without the directory", f)
			}
		}
	})
}
