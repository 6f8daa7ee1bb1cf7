package rules_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/directory"
	"github.com/notifyd/notifyd/rules"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// These test section 5 of the design: what a filter means.
func TestMeaning(t *testing.T) {
	dir := parseDirectory(t, "groups: {infra: [bob]}\npackages: {bash: {owner: [alice]}}\n")
	const topic = "org.fedoraproject.prod.buildsys.build.state.change"
	built := event(topic, "buildsys", "bob", []string{"alice", "bob"}, "bash")
	for _, test := range []struct {
		name  string
		rules string
		dir   rulespec.Directory
		want  bool
	}{
		{"every rule holds", "[{app: buildsys}, {package: bash}]", dir, true},
		{"one rule does not hold", "[{app: buildsys}, {package: zsh}]", dir, false},
		{"any of several values", "[{package: [zsh, bash]}]", dir, true},
		{"not: none of several values", "[{app: buildsys}, {not: {package: [zsh, bash]}}]", dir, false},
		{"not: what others do to me still comes", "[{user: '@me'}, {not: {actor: '@me'}}]", dir, true},
		{"not me at all does not", "[{app: buildsys}, {not: {user: '@me'}}]", dir, false},
		{"mine, by the directory", "[{owner: '@me'}]", dir, true},
		{"no directory", "[{owner: '@me'}]", nil, false},
		{"no directory, under not", "[{app: buildsys}, {not: {owner: carol}}]", nil, false},
		{"with a directory, under not", "[{app: buildsys}, {not: {owner: carol}}]", dir, true},
		{"a group that is gone", "[{app: buildsys}, {group: gone}]", dir, false},
		{"a group that is gone, under not", "[{app: buildsys}, {not: {group: gone}}]", dir, false},
		{"everything", "[{everything: true}]", dir, true},
		{"everything but", "[{everything: true}, {not: {app: wiki}}]", dir, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := parseFilter(t, test.rules)
			x, broken := newIndex(f)
			if len(broken) > 0 {
				t.Fatalf("Apply: %v", broken[0].Err)
			}
			if got := len(x.Match(built, test.dir)) == 1; got != test.want {
				t.Errorf("Match = %v, want %v", got, test.want)
			}
			if got := rules.Explain(rulespec.Env{}, built, test.dir, f); got.Matched != test.want {
				t.Errorf("Explain = %+v, want Matched = %v", got, test.want)
			}
		})
	}
}

// A filter that cannot be compiled never matches, is given in broken, and is still explained.
func TestBrokenFiltersNeverMatch(t *testing.T) {
	everything := rulespec.Rule{Kind: "everything"}
	for _, test := range []struct {
		name   string
		filter rulespec.Filter
		want   string
	}{
		{"no rules", rulespec.Filter{}, "has no rules"},
		{"only negative rules", filterOf(not(rule("app", "name", "wiki"))), "only rules under `not`"},
		{"unknown kind", filterOf(everything, rule("weather", "is", "fine")), `no kind of rule "weather"`},
		{"unknown kind under not", filterOf(everything, not(rule("weather", "is", "fine"))), `no kind of rule "weather"`},
		{"broken argument", filterOf(everything, rule("regex", "pattern", "a(")), "a ( has no )"},
		{"broken argument under not", filterOf(everything, not(rule("topic", "pattern", "a["))), "a [ has no ]"},
		{"unknown argument", filterOf(everything, rule("app", "nme", "wiki")), `no parameter "nme"`},
		{"missing argument under not", filterOf(everything, not(rulespec.Rule{Kind: "user"})), "a value is missing"},
		{"@me without an owner", filterOf(rule("user", "name", "@me")), "@me stands for the proved name"},
		{"too many rules", filterOf(slices.Repeat([]rulespec.Rule{everything}, rulespec.MaxRules+1)...), "at most 50"},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.filter.ID = 7
			good := filterOf(everything)
			good.ID = 9
			x, broken := newIndex(test.filter, good)
			if len(broken) != 1 || broken[0].Filter != 7 || !strings.Contains(broken[0].Err.Error(), test.want) {
				t.Fatalf("broken = %v, want filter 7: %q", broken, test.want)
			}
			e := event("a.b.c.wiki.x", "wiki", "", nil)
			if got := x.Match(e, nil); !slices.Equal(got, []rulespec.FilterID{9}) {
				t.Errorf("Match = %v, want [9]", got)
			}
			if got := rules.Explain(rulespec.Env{}, e, nil, test.filter); got.Matched || got.NearMiss {
				t.Errorf("Explain = %+v, want it not to match", got)
			}
		})
	}
}

func TestKindsOfMessagesThatAreGone(t *testing.T) {
	env := rulespec.Env{KnowsKind: func(name string) bool { return name == "a.b" }}
	f := filterOf(rulespec.Rule{Kind: "everything"}, not(rule("kind", "name", "a.gone")))
	x := rules.NewIndex(env)
	if broken := x.Apply(rules.Change{Filter: f}); len(broken) != 1 {
		t.Fatalf("broken = %v, want the filter: a kind of message that is gone must not widen it", broken)
	}
	if got := x.Match(event("a", "a", "", nil), nil); len(got) > 0 {
		t.Errorf("Match = %v, want nothing", got)
	}
	if broken := x.Apply(rules.Change{Filter: filterOf(rule("kind", "name", "a.b"))}); len(broken) > 0 {
		t.Errorf("a known kind is broken: %v", broken[0].Err)
	}
}

func TestIDsAscend(t *testing.T) {
	var filters []rulespec.Filter
	for _, id := range []rulespec.FilterID{5, 3, 9, 1} {
		f := filterOf(rule("user", "name", "alice", "bob"))
		if id == 3 {
			f = filterOf(rulespec.Rule{Kind: "everything"})
		}
		f.ID = id
		filters = append(filters, f)
	}
	x, _ := newIndex(filters...)
	got := x.Match(event("a", "a", "", []string{"alice", "bob"}), nil)
	if !slices.Equal(got, []rulespec.FilterID{1, 3, 5, 9}) {
		t.Errorf("Match = %v, want 1 3 5 9, each once", got)
	}
}

func TestExplainSaysWhatDecided(t *testing.T) {
	dir := parseDirectory(t, "groups: {infra: [bob]}\npackages: {bash: {commit: [alice]}}\n")
	f := parseFilter(t, "[{owner: '@me'}, {not: {actor: bob}}, {regex: {pattern: fail.., in: summary}}, "+
		"{group: gone}, {severity: error}]")
	e := event("a", "a", "bob", []string{"bob"}, "bash", "zsh")
	e.SetProse(catalogue.Prose{Summary: "a build failed"})
	x := rules.Explain(rulespec.Env{}, e, dir, f)
	want := []struct {
		holds  bool
		err    bool
		reason string
	}{
		{true, false, "package bash of alice (commit)"},
		{false, false, "actor bob"},
		{true, false, `summary has "failed"`},
		{false, true, `cannot be evaluated: name: the directory has no group "gone"`},
		{false, false, "severity info"},
	}
	for i, w := range want {
		v := x.Rules[i]
		if v.Holds != w.holds || (v.Err != nil) != w.err || v.Reason != w.reason {
			t.Errorf("rule %d: holds %v, error %v, reason %q; want %+v", i, v.Holds, v.Err, v.Reason, w)
		}
		if w.err && !errors.Is(v.Err, rulespec.ErrUnevaluable) {
			t.Errorf("rule %d: %v does not wrap ErrUnevaluable", i, v.Err)
		}
	}
}

// newIndex makes an Index of filters.
func newIndex(filters ...rulespec.Filter) (x *rules.Index, broken []rules.Broken) {
	x = rules.NewIndex(rulespec.Env{})
	for _, f := range filters {
		broken = append(broken, x.Apply(rules.Change{Filter: f})...)
	}
	return x, broken
}

func event(topic, app, actor string, users []string, packages ...string) *catalogue.Event {
	return &catalogue.Event{
		Message: &bus.Message{Topic: topic}, App: app, Actor: actor, Users: users, Packages: packages,
		Severity: catalogue.Info,
	}
}

func rule(kind, param string, values ...string) rulespec.Rule {
	return rulespec.Rule{Kind: kind, Args: rulespec.Args{param: values}}
}

func not(r rulespec.Rule) rulespec.Rule {
	r.Not = true
	return r
}

// put is a filter to add.
func put(id int, owner string, rs ...rulespec.Rule) rules.Change {
	return rules.Change{Filter: rulespec.Filter{ID: rulespec.FilterID(id), Owner: owner, Rules: rs}}
}

func filterOf(rules ...rulespec.Rule) rulespec.Filter { return rulespec.Filter{ID: 1, Rules: rules} }

// parseFilter makes a filter of alice's from its rules in flow style.
func parseFilter(t *testing.T, text string) rulespec.Filter {
	t.Helper()
	file, err := rulespec.Parse(rulespec.Env{}, []byte("filters:\n  - {name: test, owner: alice, rules: "+text+"}\n"))
	if err != nil {
		t.Fatal(err)
	}
	f := file.Filters[0].Filter
	f.ID = 1
	return f
}

func parseDirectory(t testing.TB, text string) *directory.Snapshot {
	t.Helper()
	dir, err := directory.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}
