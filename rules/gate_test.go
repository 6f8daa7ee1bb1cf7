package rules_test

import (
	"strings"
	"testing"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/rules"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
	"github.com/notifyd/notifyd/rulespec/kindtest"
)

// TestGate: the index takes what every other way in takes, and says of the rest why it is broken. An explanation
// agrees.
func TestGate(t *testing.T) {
	env := rulespec.Env{KnowsKind: func(name string) bool { return name != kindtest.NoMessageKind }}
	cases := kindtest.GateCases()
	filters := make([]rulespec.Filter, len(cases))
	for i, c := range cases {
		filters[i] = c.Filter()
		filters[i].ID, filters[i].Owner = rulespec.FilterID(i+1), "alice"
	}
	x := rules.NewIndex(env)
	why := map[rulespec.FilterID]string{}
	for _, f := range filters {
		for _, b := range x.Apply(rules.Change{Filter: f}) {
			why[b.Filter] = b.Err.Error()
		}
	}
	for i, c := range cases {
		x := rules.Explain(env, &catalogue.Event{Message: &bus.Message{}}, nil, filters[i])
		explained := ""
		if x.Broken != nil {
			explained = x.Broken.Error()
		}
		for way, said := range map[string]string{"Apply": why[filters[i].ID], "Explain": explained} {
			if (said != "") != (c.Problem != "") || !strings.Contains(said, c.Problem) {
				t.Errorf("%s: %s says %q, want %q", c.Name, way, said, c.Problem)
			}
		}
	}
}
