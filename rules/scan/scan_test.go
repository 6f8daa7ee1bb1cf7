package scan_test

import (
	"fmt"
	"testing"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/directory"
	"github.com/notifyd/notifyd/rules/scan"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

func rule(kind, param string, values ...string) rulespec.Rule {
	return rulespec.Rule{Kind: kind, Args: rulespec.Args{param: values}}
}

const world = `
groups: {g: [alice, bob], h: [carol]}
packages: {bash: {owner: [alice]}, zsh: {owner: ["@g"]}, fish: {owner: [carol]}}
`

// TestKeys wants the keys of a rule, with groups and owners replaced by names; and Names to be sure where only names
// count.
func TestKeys(t *testing.T) {
	dir, err := directory.Parse([]byte(world))
	if err != nil {
		t.Fatal(err)
	}
	unknown, none := map[string][]string(nil), map[string][]string{}
	for _, c := range []struct {
		rule    rulespec.Rule
		want    map[string][]string
		byNames bool
	}{
		{rule("package", "name", "bash"), map[string][]string{"package": {"bash"}}, true},
		{rule("package", "name", "ba*"), unknown, true},
		{rule("actor", "name", "alice"), map[string][]string{"actor": {"alice"}}, true},
		{rule("group", "name", "g"), map[string][]string{"user": {"alice", "bob"}}, true},
		{rule("owner", "user", rulespec.Me), map[string][]string{"package": {"bash", "zsh"}}, true},
		{
			rulespec.Rule{Kind: "owner", Args: rulespec.Args{"group": {"g"}, "role": {"owner"}}},
			map[string][]string{"package": {"zsh"}}, true,
		},
		{rule("owner", "group", "h"), none, true},
		{rule("severity", "least", "error"), unknown, true},
		{rule("regex", "pattern", "abc"), unknown, false},
		{rule("field", "path", "a.b"), unknown, false},
		{
			rulespec.Rule{Kind: "field", Args: rulespec.Args{"path": {"a"}, "topic": {"x.y"}}},
			map[string][]string{"topic": {"x.y"}}, false,
		},
	} {
		everything := rulespec.Rule{Kind: "everything"} // so that names never rule the event out
		s, err := scan.New(rulespec.Env{}, dir, rulespec.Filter{Owner: "alice", Rules: []rulespec.Rule{c.rule, everything}})
		if err != nil {
			t.Fatal(err)
		}
		got := s.Keys("topic", "app", "kind", "user", "package", "actor")
		if fmt.Sprintf("%#v", got) != fmt.Sprintf("%#v", c.want) {
			t.Errorf("%v: keys %v, want %v", c.rule, got, c.want)
		}
		e := &catalogue.Event{
			Message: &bus.Message{}, Actor: "alice", Users: []string{"alice"}, Packages: []string{"bash", "zsh"},
			Severity: catalogue.Critical,
		}
		if matches, sure := s.Names(e); sure != (c.byNames || !matches) {
			t.Errorf("%v: Names gives %v, %v, want by names %v", c.rule, matches, sure, c.byNames)
		}
	}
}

// TestTooManyKeys has a group with more members than a search by keys is worth.
func TestTooManyKeys(t *testing.T) {
	members := "groups: {g: ["
	for i := range 2001 {
		members += fmt.Sprintf("p%d, ", i)
	}
	dir, err := directory.Parse([]byte(members + "]}\n"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := scan.New(rulespec.Env{}, dir, rulespec.Filter{Rules: []rulespec.Rule{rule("group", "name", "g")}})
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Keys("user"); got != nil {
		t.Errorf("%d fields have keys", len(got))
	}
}

func Example() {
	filter := rulespec.Filter{Owner: "alice", Rules: []rulespec.Rule{
		{Kind: "package", Args: rulespec.Args{"name": {"bash"}}},
		{Kind: "regex", Args: rulespec.Args{"pattern": {"crash.*startup"}}},
	}}
	s, err := scan.New(rulespec.Env{}, nil, filter)
	if err != nil {
		panic(err)
	}
	fmt.Println(s.Keys("package", "user"))
	e := &catalogue.Event{Message: &bus.Message{}, Packages: []string{"bash", "zsh"}}
	fmt.Println(s.Names(e))
	fmt.Println(s.Prefilter("alice pushed to bash", "", []byte(`{"msg": {"text": "no such words"}}`)))
	e.SetProse(catalogue.Prose{Summary: "Crash at startup"})
	fmt.Println(s.Match(e))
	// Output:
	// map[package:[bash]]
	// true false
	// false true
	// true
}
