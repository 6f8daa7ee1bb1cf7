package rules_test

import (
	"testing"

	"github.com/notifyd/notifyd/rules"
	"github.com/notifyd/notifyd/rulespec"
)

// TestNearMiss wants a filter that fails by one rule to be called so, with the reason.
func TestNearMiss(t *testing.T) {
	app, pkg, notMe := rule("app", "name", "git"), rule("package", "name", "bash"), not(rule("actor", "name", rulespec.Me))
	e := event("org.example.prod.git.push", "git", "alice", []string{"alice"}, "bash")
	for _, test := range []struct {
		name  string
		rules []rulespec.Rule
		near  bool
	}{
		{"one fails", []rulespec.Rule{app, pkg, notMe}, true},
		{"none fails", []rulespec.Rule{app, pkg}, false},
		{"two fail", []rulespec.Rule{rule("app", "name", "wiki"), notMe}, false},
		{"one cannot be evaluated", []rulespec.Rule{app, rule("owner", "user", rulespec.Me)}, true},
		{"broken: none positive", []rulespec.Rule{notMe}, false},
		{"broken: no such kind", []rulespec.Rule{app, {Kind: "weather"}}, false},
	} {
		x := rules.Explain(rulespec.Env{}, e, nil, rulespec.Filter{ID: 1, Owner: "alice", Rules: test.rules})
		if x.NearMiss != test.near {
			t.Errorf("%s: near miss %v, want %v", test.name, x.NearMiss, test.near)
		}
		for _, r := range x.Rules {
			if !r.Holds && r.Reason == "" {
				t.Errorf("%s: rule %v fails without a reason", test.name, r.Rule)
			}
		}
	}
}
