package catalogue

import (
	"slices"
	"strings"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/rulespec/catalogue/language"
	"github.com/notifyd/notifyd/rulespec/catalogue/topics"
	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// A scope is one message seen through one entry. One goroutine at a time uses it.
type scope struct {
	language.Scope
	*entry
	catalogue *Catalogue
	topic     topics.Topic
	source    *bus.Message
	actorName string
	silent    bool   // its sentence shows nothing of the message
	nobody    string // what stands where a message names no actor: "null"
}

func (c *Catalogue) scope(e *entry, m *bus.Message, t topics.Topic) *scope {
	s := &scope{entry: e, catalogue: c, topic: t, source: m}
	s.Scope = language.NewScope(m.Body, s)
	for _, p := range e.patterns {
		if p.Captures(t.Words, func(name, value string) { s.Set(name, value) }) {
			break
		}
	}
	return s
}

func (s *scope) holds() bool { return s.when == nil || values.Truthy(s.eval(s.when)) }

// Compute gives a variable of the entry, a table of its application, or what every expression knows.
func (s *scope) Compute(name string) any {
	if table, ok := s.app.tables[name]; ok {
		return table
	}
	if v := s.vars[name]; v != nil {
		return s.eval(v.fieldExpression)
	}
	return s.given(name)
}

// given gives what every expression knows.
func (s *scope) given(name string) any {
	switch name {
	case "headers":
		return s.source.Headers
	case "username":
		return s.source.Username
	case "root":
		return s.topic.Root
	case "environment":
		return s.topic.Environment
	case "topic":
		return s.app.asModel(s.topic.Title)
	case language.Accounts:
		return s.catalogue.accountsOf(s.app, s.app.name, s.topic.Root, s.source.Body)
	}
	return nil
}

// eval gives an expression's value; nil and one more failure where it has none.
func (s *scope) eval(v *fieldExpression) any {
	out, err := v.Eval(&s.Scope)
	if err != nil {
		s.catalogue.failed(s.app, v.origin)
		return nil
	}
	return out
}

func (s *scope) names(fields []*fieldExpression) []string {
	var out []string
	for _, x := range fields {
		out = values.AppendTexts(out, s.eval(x))
	}
	return out
}

// people gives the accounts that fields name.
func (s *scope) people(fields ...*fieldExpression) []string {
	var out []string
	for _, x := range fields {
		if v := s.eval(x); v != nil {
			out = s.Variable(language.Accounts).(*values.Accounts).AppendPeople(out, v)
		}
	}
	return out
}

// fill computes what matching needs. What the headers state counts before what the body means.
func (s *scope) fill(e *Event, stated stated) {
	e.App, e.Kind, e.KindName, e.Keyword = s.app.name, s.kind, s.name, s.keyword
	if e.Keyword == "" {
		e.Keyword = KeywordOther
	}
	if s.actor != nil {
		s.setActor(s.people(s.actor))
		e.Actor = s.actorName
	}
	users := stated.users
	if len(users) == 0 {
		users = s.people(s.users...)
	}
	e.Users = values.Set(values.People(s.catalogue.accounts, append(users, e.Actor)))
	e.Packages = stated.packages
	if len(e.Packages) == 0 {
		for _, x := range s.packages {
			e.Packages = values.AppendNames(e.Packages, s.eval(x))
		}
	}
	e.Packages = values.Set(e.Packages)
	objects := s.app.ownKeys(slices.DeleteFunc(s.names(s.objects), gapped))
	e.Thread = values.First(objects)
	e.Objects = values.Set(objects)
	e.Severity = s.severityOf(stated)
}

// gapped reports a key that lacks a part: messages that have nothing in common would share it.
func gapped(key string) bool {
	_, path, isURL := strings.Cut(key, "://")
	if !isURL {
		path = key
	}
	return path == "" || path[0] == '/' || strings.IndexByte(" /#", path[len(path)-1]) >= 0 ||
		strings.Contains(path, "//") || strings.Contains(path, "/ ")
}

func (s *scope) severityOf(stated stated) Severity {
	if s.constant != 0 {
		return s.constant
	}
	if s.severity != nil {
		if severity, ok := severityOf(s.eval(s.severity)); ok {
			return severity
		}
	}
	if stated.severity != 0 {
		return stated.severity
	}
	return Info
}

// setActor keeps the one name of the actor: the first where there are several.
func (s *scope) setActor(names []string) {
	people := values.People(s.catalogue.accounts, slices.Clone(names))
	switch {
	case len(people) > 0 && len(people[0]) <= values.MaxName:
		s.actorName = values.Name(people[0])
	case len(people) == 0 && len(names) > 0 && values.IsUnnamed(names[0]):
		s.nobody = strings.TrimSpace(names[0])
	}
}
