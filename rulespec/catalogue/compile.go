package catalogue

import (
	"net/url"
	"slices"

	"github.com/notifyd/notifyd/rulespec/catalogue/language"
	"github.com/notifyd/notifyd/rulespec/catalogue/topics"
	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// A compiler makes apps of their sources and collects the mistakes.
type compiler struct {
	mistakes []error
	fields   int // of the app in hand
}

func (c *compiler) fail(at position, format string, args ...any) {
	if len(c.mistakes) < 50 {
		c.mistakes = append(c.mistakes, at.mistake(format, args...))
	}
}

func (c *compiler) app(s *appSource) *app {
	c.fields = 0
	a := &app{name: s.name.text, title: s.title.text, icon: s.icon.text, tables: map[string]map[string]string{}}
	a.accountsSame, a.accountsOf = c.accounts(s.accounts)
	if a.title == "" {
		a.title = a.name
	}
	if a.icon != "" && values.Link(a.icon) == "" {
		c.fail(s.icon.at, "icon: want an absolute http or https URL")
	}
	a.keyword = c.keyword(s.keyword)
	a.hosts = c.hosts(s.hosts)
	a.pages = c.pages(s.pages)
	a.model, a.defaults = s.model, s.defaults
	names := map[string]bool{language.Accounts: true}
	for _, name := range given {
		names[name] = true
	}
	for _, t := range s.tables {
		c.declare(names, t.name)
		rows := map[string]string{}
		for _, row := range t.rows {
			rows[row.name] = row.value.text
		}
		a.tables[t.name.text] = rows
	}
	a.vars = c.variables(s.vars, names, nil)
	for _, e := range s.entries {
		a.entries = append(a.entries, c.entry(a, e, names))
	}
	a.fields = c.fields
	return a
}

// keyword reads a keyword; "" where there is none.
func (c *compiler) keyword(s located) Keyword {
	if s.text == "" {
		return ""
	}
	word, err := ParseKeyword(s.text)
	if err != nil {
		c.fail(s.at, "keyword: %v", err)
	}
	return word
}

// hosts reads which host of staging stands for one of production.
func (c *compiler) hosts(sources []named) map[string]string {
	hosts := make(map[string]string, len(sources))
	for _, s := range sources {
		if !isHost(s.name) || !isHost(s.value.text) {
			c.fail(s.value.at, "hosts: want host names such as bugs.example.org: bugs.stg.example.org")
		}
		hosts[s.name] = s.value.text
	}
	return hosts
}

func isHost(name string) bool {
	u, err := url.Parse("https://" + name)
	return err == nil && name != "" && u.Host == name
}

// accounts compiles the key accounts: the word same, or roots.
func (c *compiler) accounts(given []located) (same bool, roots []string) {
	for _, v := range given {
		switch {
		case v.text == "same" && len(given) == 1:
			same = true
		case v.text != "same" && topics.IsRoot(v.text):
			roots = append(roots, v.text)
		default:
			c.fail(v.at, "accounts: want same, or roots of topics such as org.example, not %q", v.text)
		}
	}
	return same, roots
}

func (c *compiler) declare(names map[string]bool, n located) {
	switch {
	case !values.IsIdentifier(n.text):
		c.fail(n.at, "%q is no name: want a letter, then letters, digits and _", n.text)
	case slices.Contains(given, n.text):
		c.fail(n.at, "%q is a name that every expression knows already; take another", n.text)
	case language.IsFunction(n.text):
		c.fail(n.at, "%q is a function's name; take another", n.text)
	}
	names[n.text] = true
}

// variables compiles named expressions. All of them may mention each other, in any order but not in a ring.
func (c *compiler) variables(sources []named, names map[string]bool, over map[string]*variable) map[string]*variable {
	vars := map[string]*variable{}
	for name, v := range over {
		vars[name] = v
	}
	for _, s := range sources {
		c.declare(names, located{s.name, s.value.at})
	}
	for _, s := range sources {
		vars[s.name] = &variable{s.name, c.expression("vars."+s.name, s.value, names)}
	}
	if name := ring(vars); name != "" {
		at := position{}
		for _, s := range sources {
			at = s.value.at
		}
		c.fail(at, "vars: %s needs itself", name)
	}
	return vars
}

// ring gives the name of a variable that cannot be computed without itself, or "".
func ring(vars map[string]*variable) string {
	const open, done = 1, 2
	state := map[string]int{}
	var walk func(name string) string
	walk = func(name string) string {
		v := vars[name]
		if v == nil || v.fieldExpression == nil || state[name] == done {
			return ""
		}
		if state[name] == open {
			return name
		}
		state[name] = open
		for _, need := range v.Needs() {
			if found := walk(need); found != "" {
				return found
			}
		}
		state[name] = done
		return ""
	}
	for _, name := range values.Keys(vars) {
		if found := walk(name); found != "" {
			return found
		}
	}
	return ""
}
