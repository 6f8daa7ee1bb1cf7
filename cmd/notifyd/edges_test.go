package main

import (
	"testing"

	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// Sentences name kinds as people do. One name for two kinds says which application; what nobody has named stays as it is.
func TestKindNames(t *testing.T) {
	c, err := catalogue.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	env := rulespec.Env{KindName: kindNames(c)}
	kinds := []string{"buildsys.build.failed", "pagure.issue.new", "nowhere.unknown"}
	f := rulespec.Filter{Rules: []rulespec.Rule{
		{Kind: "kind", Args: rulespec.Args{"name": kinds}},
		{Kind: "app", Not: true, Args: rulespec.Args{"name": {"buildsys.build.failed"}}},
	}}
	want := `when the kind of message is "Builds failed", "Tickets opened (Pagure)" or nowhere.unknown and the application is not buildsys.build.failed`
	if got := rulespec.SentenceIn(env, f); got != want {
		t.Errorf("SentenceIn = %s\nwant %s", got, want)
	}
	if f.Rules[0].Args["name"][0] != kinds[0] {
		t.Errorf("SentenceIn changed the filter: %v", f.Rules)
	}
	if got, want := rulespec.RuleSentenceIn(env, f.Rules[0]), `the kind of message is "Builds failed", "Tickets opened (Pagure)" or nowhere.unknown`; got != want {
		t.Errorf("RuleSentenceIn = %s", got)
	}
}
