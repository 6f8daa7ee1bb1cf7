package kindtest

import (
	"fmt"
	"strings"

	"github.com/notifyd/notifyd/rulespec"
)

// A GateCase is a filter that every way in must accept or refuse alike: files, pages, imports, the store and the index.
type GateCase struct {
	Name    string // of the filter
	Rules   []rulespec.Rule
	Problem string // a part of the error; "": the filter is accepted
	// Unwritten says that the guided form of the pages cannot say such a filter: it leaves empty values and parameters that
	// it does not know away.
	Unwritten bool
}

// Filter gives the filter, without an owner.
func (c GateCase) Filter() rulespec.Filter { return rulespec.Filter{Name: c.Name, Rules: c.Rules} }

// Text gives the filter in the text form.
func (c GateCase) Text() []byte {
	return rulespec.Format(rulespec.File{Filters: []rulespec.FileFilter{{Filter: c.Filter(), On: true}}})
}

// MessageKind is a kind of message that the embedded catalogue has; NoMessageKind is one that it lacks.
const (
	MessageKind   = "git.receive"
	NoMessageKind = "nowhere.known"
)

// GateCases gives the filters that tests of all ways in walk. The expressions of those that are accepted are fewer than a
// person may have. Nothing in them needs a directory.
func GateCases() []GateCase {
	rule := func(kind, param string, values ...string) rulespec.Rule {
		return rulespec.Rule{Kind: kind, Args: rulespec.Args{param: values}}
	}
	not := func(r rulespec.Rule) rulespec.Rule {
		r.Not = true
		return r
	}
	everything := rulespec.Rule{Kind: "everything"}
	app := rule("app", "name", "git")
	findable := rule("regex", "pattern", "urgent")
	unfindable := rule("regex", "pattern", "[a-z]+")
	const searched = "every message would have to be searched"
	return []GateCase{
		{Name: "an application", Rules: []rulespec.Rule{app}},
		{Name: "everything but", Rules: []rulespec.Rule{everything, not(app)}},
		{Name: "mine", Rules: []rulespec.Rule{rule("user", "name", rulespec.Me)}},
		{Name: "a kind of message", Rules: []rulespec.Rule{rule("kind", "name", MessageKind, "nowhere.unknown")}},
		{Name: "a word", Rules: []rulespec.Rule{everything, findable}},
		{Name: "an expression beside an application", Rules: []rulespec.Rule{app, unfindable}},
		{Name: "an expression beside a word", Rules: []rulespec.Rule{findable, unfindable}},
		{Name: "an expression over names", Rules: []rulespec.Rule{rule("package_regex", "pattern", "[a-z]+")}},

		{Name: "an expression", Rules: []rulespec.Rule{unfindable}, Problem: searched},
		{Name: "an expression beside everything", Rules: []rulespec.Rule{everything, unfindable}, Problem: searched},
		{Name: "an expression under not", Rules: []rulespec.Rule{everything, not(unfindable)}, Problem: searched},
		{Name: "an expression beside a severity", Rules: []rulespec.Rule{rule("severity", "least", "info"), unfindable}, Problem: searched},
		{Name: "an expression beside no application", Rules: []rulespec.Rule{everything, not(app), unfindable}, Problem: searched},
		{Name: "no rules", Problem: "has no rules"},
		{Name: "only not", Rules: []rulespec.Rule{not(app)}, Problem: "has only rules under `not`"},
		{Name: "too many rules", Rules: many(rulespec.MaxRules+1, app), Problem: "at most 50 are allowed", Unwritten: true},
		{Name: "too many expressions", Rules: []rulespec.Rule{app, rule("package_regex", "pattern", numbered(rulespec.MaxRegexes+1)...)},
			Problem: "at most 20 are allowed"},
		{Name: "no such kind of rule", Rules: []rulespec.Rule{app, rule("packge", "name", "bash")}, Problem: `there is no kind of rule "packge"`},
		{Name: "no such parameter", Rules: []rulespec.Rule{rulespec.Rule{Kind: "app", Args: rulespec.Args{"name": {"git"}, "nme": {"git"}}}},
			Problem: `there is no parameter "nme"`, Unwritten: true},
		{Name: "no such choice", Rules: []rulespec.Rule{rule("severity", "least", "debug")}, Problem: `there is no value "debug"`},
		{Name: "no such kind of message", Rules: []rulespec.Rule{rule("kind", "name", NoMessageKind)},
			Problem: `the catalogue has no kind of message "nowhere.known"`},
		{Name: "no such kind of message under not", Rules: []rulespec.Rule{app, not(rule("kind", "name", NoMessageKind))},
			Problem: `the catalogue has no kind of message "nowhere.known"`},
		{Name: "a value is missing", Rules: []rulespec.Rule{{Kind: "field", Args: rulespec.Args{"is": {"true"}}}}, Problem: "a value is missing"},
		{Name: "too long a value", Rules: []rulespec.Rule{rule("app", "name", strings.Repeat("a", rulespec.MaxValue+1))}, Problem: "longer than 256 bytes"},
		{Name: "no expression", Rules: []rulespec.Rule{app, rule("regex", "pattern", "a(")}, Problem: "a ( has no )"},
		{Name: "an expression of everything", Rules: []rulespec.Rule{app, rule("regex", "pattern", ".*")}, Problem: "write `everything: true`"},
		{Name: "a topic of everything", Rules: []rulespec.Rule{rule("topic", "pattern", "*")}, Problem: "write `everything: true`"},
		{Name: "nobody owns it", Rules: []rulespec.Rule{rule("owner", "role", "commit")}, Problem: "neither a user nor a group is named"},
	}
}

func many(n int, r rulespec.Rule) []rulespec.Rule {
	rules := make([]rulespec.Rule, n)
	for i := range rules {
		rules[i] = r
	}
	return rules
}

func numbered(n int) []string {
	values := make([]string, n)
	for i := range values {
		values[i] = fmt.Sprint("x", i)
	}
	return values
}
