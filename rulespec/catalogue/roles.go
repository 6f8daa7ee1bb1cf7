package catalogue

import (
	"slices"
	"sync"

	"github.com/notifyd/notifyd/rulespec/catalogue/convention"
	"github.com/notifyd/notifyd/rulespec/catalogue/language"
	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// Roles says who is what to the thing that an event is about, as accounts. Each list is sorted and unique. Somebody
// may have several roles.
type Roles struct {
	Author    []string // who made the thing: filed the ticket, started the build
	Assigned  []string // whom it was given to: the assignee, whoever is asked for a review
	Mentioned []string // whom its new text names, as @name
	Watchers  []string // who follows it, as the sender says: those in its cc
}

// roleFields are the fields of entries, and of applications for all entries that have none of their own.
var roleFields = []string{"author", "assigned", "mentioned", "watchers"}

// A lazy value is computed once, on the first call. The zero lazy has the zero value.
type lazy[T any] struct {
	of    func() T
	once  sync.Once
	value T
}

func (l *lazy[T]) get() T {
	l.once.Do(func() {
		if l.of != nil {
			l.value = l.of()
		}
	})
	return l.value
}

// Roles gives who is what to the thing; computed once, on the first call. The caller must not change the lists.
func (e *Event) Roles() Roles { return e.roles.get() }

// SetRoles is SetProse for the roles.
func (e *Event) SetRoles(r Roles) { e.roles.of = func() Roles { return r } }

// inherited gives what an entry says under a key, else what its application says there.
func (a *app) inherited(s *entrySource, key string) []located {
	if own, ok := s.values[key]; ok {
		return own
	}
	return a.defaults[key]
}

// roles compiles the fields of an entry about people.
func (c *compiler) roles(e *entry, s *entrySource, names map[string]bool) {
	for _, field := range roleFields {
		for _, v := range e.app.inherited(s, field) {
			if x := c.expression(field, v, names); x != nil {
				x.role = true
				e.roles = append(e.roles, x)
			}
		}
	}
}

// says reports whether an entry says something of a role.
func (e *entry) says(field string) bool {
	return slices.ContainsFunc(e.roles, func(x *fieldExpression) bool { return x.field == field })
}

// rolesOf gives the roles of a message: what the entry says, and by convention what it does not.
func (c *Catalogue) rolesOf(e *entry, s *scope) Roles {
	s = c.scope(e, s.source, s.topic)
	accounts := s.Variable(language.Accounts).(*values.Accounts)
	found := convention.RolesOf(s.topic.Words, s.source.Body, accounts, func(field string) bool { return !e.says(field) })
	for _, x := range e.roles {
		if x.field == "mentioned" {
			for _, text := range values.Texts(s.eval(x)) {
				found[x.field] = convention.AppendMentioned(found[x.field], text, accounts)
			}
			continue
		}
		found[x.field] = append(found[x.field], s.people(x)...)
	}
	return rolesIn(c.accounts, found)
}

// rolesIn makes Roles of what was found by field.
func rolesIn(accounts map[string]string, found map[string][]string) Roles {
	set := func(field string) []string { return values.Set(values.People(accounts, found[field])) }
	return Roles{Author: set("author"), Assigned: set("assigned"), Mentioned: set("mentioned"), Watchers: set("watchers")}
}
