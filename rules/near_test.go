package rules_test

import (
	"testing"

	"github.com/notifyd/notifyd/rules"
	"github.com/notifyd/notifyd/rulespec"
)

// A near miss fails by one rule, of the owner who asks, and says by which.
func TestNearMisses(t *testing.T) {
	app, pkg, not1 := rule("app", "name", "git"), rule("package", "name", "bash"), not(rule("actor", "name", rulespec.Me))
	m, _ := rules.Compile([]rulespec.Filter{
		{ID: 1, Owner: "alice", Rules: []rulespec.Rule{app, pkg, not1}},                          // fails by not1
		{ID: 2, Owner: "alice", Rules: []rulespec.Rule{app, pkg}},                                // matches
		{ID: 3, Owner: "alice", Rules: []rulespec.Rule{rule("app", "name", "wiki"), not1}},       // fails by two
		{ID: 4, Owner: "bob", Rules: []rulespec.Rule{rule("app", "name", "wiki")}},               // another's
		{ID: 5, Owner: "alice", Rules: []rulespec.Rule{app, rule("owner", "user", rulespec.Me)}}, // cannot be evaluated
		{ID: 6, Owner: "alice", Rules: []rulespec.Rule{not1}},                                    // broken: none positive
		{ID: 7, Owner: "alice", Rules: []rulespec.Rule{app, {Kind: "weather"}}},                  // broken: no such kind
	})
	e := event("org.example.prod.git.push", "git", "alice", []string{"alice"}, "bash")
	var ids []rulespec.FilterID
	for _, x := range m.NearMisses(e, nil, "alice") {
		ids = append(ids, x.Filter)
		failed := 0
		for _, v := range x.Rules {
			if !v.Holds {
				failed++
				if v.Reason == "" {
					t.Errorf("filter %d: rule %v fails without a reason", x.Filter, v.Rule)
				}
			}
		}
		if failed != 1 || x.Matched {
			t.Errorf("filter %d: %d rules fail, matched %v", x.Filter, failed, x.Matched)
		}
	}
	if len(ids) != 2 || ids[0] != 1 || ids[1] != 5 {
		t.Errorf("near misses are %v, want 1 and 5", ids)
	}
	if got := m.NearMisses(e, nil, "nobody"); got != nil {
		t.Errorf("near misses of nobody: %v", got)
	}
}
