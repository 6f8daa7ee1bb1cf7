package kindtest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/notifyd/notifyd/rulespec"
)

// A GateCase is a filter that every way in must take, or refuse: files, pages, imports, the store and the index.
type GateCase struct {
	Name    string // of the filter
	Rules   []rulespec.Rule
	Problem string // a part of the error; "": the filter is taken
	// Unwritten means that the guided form of the pages cannot express the filter. It leaves out empty values, unknown
	// parameters and rules over the limit.
	Unwritten bool
}

// Filter returns the filter, without an owner.
func (c GateCase) Filter() rulespec.Filter { return rulespec.Filter{Name: c.Name, Rules: c.Rules} }

// Text returns the filter in the text form.
func (c GateCase) Text() []byte {
	return rulespec.Format(rulespec.File{Filters: []rulespec.FileFilter{{Filter: c.Filter(), On: true}}})
}

// MessageKind is a kind of message that the embedded catalogue has. It lacks NoMessageKind.
const (
	MessageKind   = "git.receive"
	NoMessageKind = "nowhere.known"
)

// The rules that several cases have.
var (
	everything = rulespec.Rule{Kind: "everything"}
	app        = rule("app", "name", "git")
	findable   = rule("regex", "pattern", "urgent")
	unfindable = rule("regex", "pattern", "[a-z]+")
)

func rule(kind, param string, values ...string) rulespec.Rule {
	return rulespec.Rule{Kind: kind, Args: rulespec.Args{param: values}}
}

func not(r rulespec.Rule) rulespec.Rule {
	r.Not = true
	return r
}

// GateCases returns the filters that a test of each way in walks. The filters that are taken have fewer expressions
// than a person may have. None needs a directory.
func GateCases() []GateCase { return slices.Concat(taken(), refusedWhole(), refusedRules()) }

func taken() []GateCase {
	one := func(name string, rules ...rulespec.Rule) GateCase { return GateCase{Name: name, Rules: rules} }
	return []GateCase{
		one("an application", app),
		one("everything but", everything, not(app)),
		one("mine", rule("user", "name", rulespec.Me)),
		one("a kind of message", rule("kind", "name", MessageKind, "nowhere.unknown")),
		one("a word", everything, findable),
		one("an expression beside an application", app, unfindable),
		one("an expression beside a word", findable, unfindable),
		one("an expression over names", rule("package_regex", "pattern", "[a-z]+")),
	}
}

// refusedWhole are filters of right rules.
func refusedWhole() []GateCase {
	tooMany := make([]string, rulespec.MaxRegexes+1)
	for i := range tooMany {
		tooMany[i] = fmt.Sprint("x", i)
	}
	one := func(problem, name string, rules ...rulespec.Rule) GateCase {
		return GateCase{Name: name, Problem: problem, Rules: rules}
	}
	const searched = "every message would have to be searched"
	return []GateCase{
		one(searched, "an expression", unfindable),
		one(searched, "an expression beside everything", everything, unfindable),
		one(searched, "an expression under not", everything, not(unfindable)),
		one(searched, "an expression beside a severity", rule("severity", "least", "info"), unfindable),
		one(searched, "an expression beside no application", everything, not(app), unfindable),
		one("has no rules", "no rules"),
		one("has only rules under `not`", "only not", not(app)),
		one("at most 20 are allowed", "too many expressions", app, rule("package_regex", "pattern", tooMany...)),
		{
			Name: "too many rules", Problem: "at most 50 are allowed", Unwritten: true,
			Rules: slices.Repeat([]rulespec.Rule{app}, rulespec.MaxRules+1),
		},
	}
}

// refusedRules are filters with a rule that is wrong by itself.
func refusedRules() []GateCase {
	unknown := rulespec.Rule{Kind: "app", Args: rulespec.Args{"name": {"git"}, "nme": {"git"}}}
	long := strings.Repeat("a", rulespec.MaxValue+1)
	wrong := func(name, problem string, r rulespec.Rule) GateCase {
		return GateCase{Name: name, Problem: problem, Rules: []rulespec.Rule{app, r}}
	}
	const (
		noKind = `the catalogue has no kind of message "nowhere.known"`
		write  = "write `everything: true`"
	)
	return []GateCase{
		wrong("no such kind of rule", `there is no kind of rule "packge"`, rule("packge", "name", "bash")),
		wrong("no such choice", `there is no value "debug"`, rule("severity", "least", "debug")),
		wrong("no such kind of message", noKind, rule("kind", "name", NoMessageKind)),
		wrong("no such kind of message under not", noKind, not(rule("kind", "name", NoMessageKind))),
		wrong("a value is missing", "a value is missing", rule("field", "is", "true")),
		wrong("too long a value", "longer than 256 bytes", rule("app", "name", long)),
		wrong("no expression", "a ( has no )", rule("regex", "pattern", "a(")),
		wrong("an expression of everything", write, rule("regex", "pattern", ".*")),
		wrong("a topic of everything", write, rule("topic", "pattern", "*")),
		wrong("nobody owns it", "neither a user nor a group is named", rule("owner", "role", "commit")),
		{
			Name: "no such parameter", Problem: `there is no parameter "nme"`, Unwritten: true,
			Rules: []rulespec.Rule{unknown},
		},
	}
}
