package catalogue

import (
	"sync/atomic"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/rulespec/catalogue/convention"
	"github.com/notifyd/notifyd/rulespec/catalogue/topics"
	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// A Catalogue knows what messages mean. It is immutable and safe for concurrent use.
type Catalogue struct {
	apps     []*app // sorted by name
	tree     topics.Tree[*entry]
	roots    topics.Roots // those of the site
	accounts map[string]string
	failures map[*app][]atomic.Uint64   // of each field of an application
	left     map[*app]*[2]atomic.Uint64 // of leftFields of an application
}

// Describe works out what a message means. It never fails: what one field cannot say of this message is empty and
// counted (see Failures), and a message that no entry describes is described by convention.
func (c *Catalogue) Describe(m *bus.Message) *Event {
	found, t := c.find(m)
	e := &Event{Message: m, Title: values.Line(t.Title, maxSummary), Severity: Info}
	stated := headersOf(m.Headers)
	e.Groups = values.Set(stated.groups)
	if found == nil {
		describeUnknown(c, e, t, stated)
		return e
	}
	found.fill(e, stated)
	e.digestOf = found.digestOf
	e.phase.of = func() Phase { return c.phaseOf(found.entry, found) }
	e.roles.of = func() Roles { return c.rolesOf(found.entry, found) }
	e.describe = func() (Prose, []string) {
		p, left := found.prose()
		c.countLeft(found.app, left)
		p.Summary = conventional(p.Summary, found, e, t)
		return p, left
	}
	return e
}

// conventional gives the conventional sentence in place of one that is missing, or that has found nothing in a message
// which says something: "git receive: two" and not "Somebody pushed".
func conventional(sentence string, s *scope, e *Event, t topics.Topic) string {
	if sentence != "" && !s.silent {
		return sentence
	}
	found := unknownProse(e, convention.Read(t.Words, e.Body)).Summary
	if sentence != "" && found == unknownProse(e, convention.Read(t.Words, map[string]any{})).Summary {
		return sentence
	}
	return found
}

// find gives the entry that describes a message, with what its condition has computed; nil where there is none.
func (c *Catalogue) find(m *bus.Message) (*scope, topics.Topic) {
	t := c.Divide(m.Topic)
	var s *scope
	steps := 0
	found := len(m.Topic) <= bus.MaxTopic && c.tree.Find(t.Words, func(candidate *entry) bool {
		s = c.scope(candidate, m, t)
		s.TakeSteps(steps) // all candidates share them
		holds := s.holds()
		steps = s.Steps()
		return holds
	})
	if !found {
		return nil, t
	}
	return s, t
}

// Divide gives the parts of a topic, with the roots that the site has declared.
func (c *Catalogue) Divide(topic string) topics.Topic { return c.roots.Divide(topic) }

// Knows says whether an entry describes a message; otherwise it is described by convention.
func (c *Catalogue) Knows(m *bus.Message) bool {
	s, _ := c.find(m)
	return s != nil
}

// WithAccounts gives the same catalogue with a map from nicks, mail addresses and OpenIDs to accounts, for the function
// account. Addresses and URLs that stand in the map in small letters are found in any. The map must not change any
// more.
func (c *Catalogue) WithAccounts(accounts map[string]string) *Catalogue {
	with := *c
	with.accounts = accounts
	return &with
}
