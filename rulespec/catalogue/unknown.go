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
func describeUnknown(c *Catalogue, e *Event, words []string, stated stated) {
	e.App = appName(words[0])
	e.Keyword = KeywordOther
	e.Kind, e.KindName = e.App+".unknown", "Other messages of "+e.App
	known := c.appNamed(e.App)
	if known != nil {
		e.KindName = "Other messages of " + known.title
	}
	reader := convention.Reader{Accounts: c.accounts}
	body, _ := e.Body.(map[string]any)
	e.Actor = reader.Actor(body)
	users := stated.users
	if len(users) == 0 {
		users = reader.Users(body)
	}
	e.Users = values.Set(values.People(c.accounts, append(users, e.Actor)))
	e.Packages = stated.packages
	if len(e.Packages) == 0 {
		e.Packages = convention.Packages(body)
	}
	e.Packages = values.Set(e.Packages)
	if stated.severity != 0 {
		e.Severity = stated.severity
	}
	e.digestOf = func() Digest { return Digest{Keys: []string{text.CutBytes(e.Title+" "+e.Actor, values.MaxName)}} }
	e.describe = func() (Prose, []string) {
		p := unknownProse(e, words, body)
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

// unknownProse makes a sentence of the words of the topic, the actor, the packages and a few texts of the body.
func unknownProse(e *Event, words []string, body map[string]any) Prose {
	var b strings.Builder
	b.WriteString(strings.Join(words, " "))
	if e.Actor != "" {
		b.WriteString(" by " + e.Actor)
	}
	if len(e.Packages) > 0 {
		b.WriteString(": " + strings.Join(e.Packages[:min(len(e.Packages), 3)], ", "))
	}
	subject := convention.SubjectOf(body)
	if details := subject.Details(append([]string{e.Actor}, e.Packages...)); details != "" {
		b.WriteString(" (" + details + ")")
	}
	return Prose{
		Summary:       values.Line(b.String(), maxSummary),
		Link:          subject.Link(),
		SecondaryIcon: values.Avatar(e.Actor),
	}
}
