package rules_test

import (
	"fmt"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/rules"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

func ExampleIndex() {
	bash := rulespec.Rule{Kind: "package", Args: rulespec.Args{"name": {"bash"}}}
	app := rulespec.Rule{Kind: "app", Args: rulespec.Args{"name": {"git"}}}
	notMe := rulespec.Rule{Kind: "user", Args: rulespec.Args{"name": {rulespec.Me}}, Not: true}

	x := rules.NewIndex(rulespec.Env{})
	x.Apply(
		// Posted under the package, which is rarer than the application; the application is the residual.
		rules.Change{Filter: rulespec.Filter{ID: 1, Owner: "alice", Rules: []rulespec.Rule{app, bash}}},
		// Posted under the application, and excluded by the term that alice is involved.
		rules.Change{Filter: rulespec.Filter{ID: 2, Owner: "alice", Rules: []rulespec.Rule{app, notMe}}},
		rules.Change{Filter: rulespec.Filter{ID: 3, Owner: "bob", Rules: []rulespec.Rule{app, notMe}}},
	)
	e := &catalogue.Event{Message: &bus.Message{}, App: "git", Users: []string{"alice"}, Packages: []string{"bash"}}
	fmt.Println(x.Match(e, nil))

	why := rules.Explain(rulespec.Env{}, e, nil, rulespec.Filter{Owner: "alice", Rules: []rulespec.Rule{app, notMe}})
	for _, r := range why.Rules {
		fmt.Println(r.Holds, r.Reason)
	}
	// Output:
	// [1 3]
	// true app git
	// false user alice
}
