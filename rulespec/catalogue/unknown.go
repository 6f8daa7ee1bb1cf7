package catalogue

import (
	"slices"
	"strings"

	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/rulespec/catalogue/convention"
	"github.com/notifyd/notifyd/rulespec/catalogue/topics"
	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// describeUnknown describes a message that no entry knows, by convention.
func describeUnknown(c *Catalogue, e *Event, t topics.Topic, stated stated) {
	e.App = appName(t.Words[0])
	e.Kind, e.KindName = e.App+".unknown", "Other messages of "+e.App
	known := c.appNamed(e.App)
	if known != nil {
		e.KindName = "Other messages of " + known.title
	}
	read := convention.Read(t.Words, e.Body)
	accounts := c.accountsOf(known, e.App, t.Root, e.Body)
	e.Actor = read.Actor(accounts)
	users := stated.users
	if len(users) == 0 {
		users = read.Users(accounts)
	}
	e.Users = values.Set(values.People(c.accounts, append(users, e.Actor)))
	e.Packages = stated.packages
	if len(e.Packages) == 0 {
		e.Packages = read.Packages()
	}
	e.Packages = values.Set(e.Packages)
	objects := read.Objects()
	e.Thread = values.First(objects)
	e.Objects = values.Set(objects)
	e.Keyword = KeywordOther
	if k, err := ParseKeyword(read.Keyword()); err == nil {
		e.Keyword = k
	}
	if stated.severity != 0 {
		e.Severity = stated.severity
	} else if severity, err := ParseSeverity(read.Severity()); err == nil {
		e.Severity = severity
	}
	e.phase.of = func() Phase { return Phase(read.Phase()) }
	e.roles.of = func() Roles {
		every := func(string) bool { return true }
		return rolesIn(c.accounts, convention.RolesOf(t.Words, e.Body, accounts, every))
	}
	e.digestOf = func() Digest {
		keys := []string{text.CutBytes(e.Title+" "+e.Actor, values.MaxName)}
		if e.Thread != "" { // one thing, whatever was done to it and by whom
			keys = slices.Insert(keys, 0, text.CutBytes("about "+e.Thread, values.MaxName))
		}
		return Digest{Keys: keys}
	}
	e.describe = func() (Prose, []string) {
		p := unknownProse(e, read)
		if known != nil {
			p.Icon = known.icon
		}
		return p, nil
	}
}

func appName(word string) string {
	word = strings.ToLower(word)
	if topics.IsApp(word) {
		return word
	}
	return "unknown"
}

func (c *Catalogue) appNamed(name string) *app {
	byName := func(a *app, name string) int { return strings.Compare(a.name, name) }
	i, found := slices.BinarySearchFunc(c.apps, name, byName)
	if !found {
		return nil
	}
	return c.apps[i]
}

// unknownProse makes a sentence and finds the link by convention.
func unknownProse(e *Event, read *convention.Reading) Prose {
	return Prose{
		Summary:       values.Line(read.Sentence(e.Packages), maxSummary),
		Link:          read.Link(),
		SecondaryIcon: values.Avatar(e.Actor),
	}
}
