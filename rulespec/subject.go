package rulespec

import (
	"iter"
	"slices"

	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// Fields are the fields of a subject whose values are names. A kind that comes with keys of a new field adds it here and
// to Values.
var Fields = []string{"topic", "app", "kind", "actor", "user", "package", fieldSeverity, fieldGroup, fieldOwner, fieldOwnerGroup, fieldEverything}

// Texts are the fields of a subject that are searched and not looked up: see Text.
var Texts = []string{"summary", "link", "body"}

// The fields that are derived: a subject has no field of that name.
const (
	fieldSeverity   = "severity"   // every severity up to the event's own
	fieldGroup      = "group"      // the groups of all users
	fieldOwner      = "owner"      // who owns a package, in person or through a group
	fieldOwnerGroup = "ownergroup" // the groups that own a package
	fieldEverything = "everything" // the value "", always
)

// The fields of a Predicate's Requires, beside fieldGroup.
const (
	requireDirectory = "directory"
	requireRole      = "role"
)

// Keys gives what an engine looks up to find the filters that a subject may match: each value of each of Fields.
func (s *Subject) Keys() iter.Seq[Key] {
	return func(yield func(Key) bool) {
		for _, field := range Fields {
			for value := range s.Values(field) {
				if !yield(Key{field, value}) {
					return
				}
			}
		}
	}
}

// Values gives the values of one of Fields, some of them perhaps twice; none for a field that is not there.
func (s *Subject) Values(field string) iter.Seq[string] {
	switch field {
	case "topic":
		return one(s.Topic)
	case "app":
		return one(s.App)
	case "kind":
		return one(s.Kind)
	case "actor":
		return one(s.Actor)
	case "user":
		return slices.Values(s.Users)
	case "package":
		return slices.Values(s.Packages)
	case fieldSeverity:
		return s.severities
	case fieldGroup:
		return s.groups
	case fieldOwner:
		return s.owners
	case fieldOwnerGroup:
		return s.ownerGroups
	case fieldEverything:
		return one("")
	}
	return func(func(string) bool) {}
}

// AppendValues appends what Values gives: for who asks much and often.
func (s *Subject) AppendValues(into []string, field string) []string {
	switch field {
	case "topic":
		return append(into, s.Topic)
	case "app":
		return append(into, s.App)
	case "kind":
		return append(into, s.Kind)
	case "actor":
		return append(into, s.Actor)
	case "user":
		return append(into, s.Users...)
	case "package":
		return append(into, s.Packages...)
	case fieldEverything:
		return append(into, "")
	}
	return slices.AppendSeq(into, s.Values(field))
}

func one(value string) iter.Seq[string] {
	return func(yield func(string) bool) { yield(value) }
}

func (s *Subject) severities(yield func(string) bool) {
	for level := catalogue.Debug; level <= s.Severity && level <= catalogue.Critical; level += catalogue.Info - catalogue.Debug {
		if !yield(level.String()) {
			return
		}
	}
}

func (s *Subject) groups(yield func(string) bool) {
	if s.Directory == nil {
		return
	}
	for _, user := range s.Users {
		for _, group := range s.Directory.Groups(user) {
			if !yield(group) {
				return
			}
		}
	}
}

// Text gives one of Texts, cut to MaxSearch.
func (s *Subject) Text(field string) string {
	switch field {
	case "summary":
		return searched(s.Prose().Summary)
	case "link":
		return searched(s.Prose().Link)
	case "body":
		return searched(s.BodyText())
	}
	return ""
}

// Has says whether the subject has what a Predicate Requires.
func (s *Subject) Has(need Key) bool {
	switch {
	case s.Directory == nil:
		return false
	case need.Field == fieldGroup:
		return s.Directory.HasGroup(need.Value)
	case need.Field == requireRole:
		return s.Directory.HasRole(need.Value)
	}
	return true
}

// requires gives the Requires of a predicate that asks for these groups and roles.
func requires(groups, roles []string) []Key {
	return slices.Concat([]Key{{Field: requireDirectory}}, keys(fieldGroup, groups), keys(requireRole, roles))
}
