package rulespec

import (
	"slices"

	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// Fields are the fields of a subject whose values are names. A rule kind with keys of a new field adds it here and to
// AppendValues.
var Fields = []string{
	"topic", "app", "kind", "keyword", "actor", "user", "package",
	fieldSeverity, fieldGroup, fieldOwner, fieldOwnerGroup, fieldProved, fieldSigner, fieldBot,
	fieldEverything, fieldObject, fieldAuthor, fieldAssigned, fieldMentioned, fieldWatcher, fieldHolder, fieldTeam,
}

// Texts are the fields of a subject that are searched and not looked up: see Text.
var Texts = []string{"summary", "link", "body"}

// The fields that are derived: a subject has no field of that name.
const (
	fieldSeverity   = "severity"   // every severity up to the event's own
	fieldGroup      = "group"      // the groups of all users
	fieldOwner      = "owner"      // who owns a package, in person or through a group
	fieldOwnerGroup = "ownergroup" // the groups that own a package
	fieldProved     = "proved"     // the value "" where it is proved who sent the message
	fieldSigner     = "signer"     // who has signed the message, where that is proved
	fieldBot        = "bot"        // the value "" where a program did it
	fieldEverything = "everything" // the value "", always
	fieldObject     = "object"     // the keys of what it is about
	fieldAuthor     = "author"     // who made that
	fieldAssigned   = "assigned"   // whom it was given to
	fieldMentioned  = "mentioned"  // whom its new text names
	fieldWatcher    = "watcher"    // who follows it, as the sender says
	fieldHolder     = "holder"     // who owns a package in person
	fieldTeam       = "team"       // the members of groups that own a package, or that the sender names
)

// AppendValues appends the values of one of Fields, some of them perhaps twice; none for an unknown field. An index
// looks them up to find the filters that a subject may match.
func (s *Subject) AppendValues(into []string, field string) []string {
	switch field {
	case "topic":
		return append(into, s.Topic)
	case "app":
		return append(into, s.App)
	case "kind":
		return append(into, s.Kind)
	case "keyword":
		return append(into, string(s.Keyword))
	case "actor":
		return append(into, s.Actor)
	case "user":
		return append(into, s.Users...)
	case "package":
		return append(into, s.Packages...)
	case fieldSeverity:
		return slices.AppendSeq(into, s.severities)
	case fieldGroup:
		return slices.AppendSeq(into, s.groups)
	case fieldOwner:
		return slices.AppendSeq(into, s.owners)
	case fieldOwnerGroup:
		return slices.AppendSeq(into, s.ownerGroups)
	case fieldProved:
		if s.proved() {
			return append(into, "")
		}
	case fieldSigner:
		if signer := s.signer(); signer != "" {
			return append(into, signer)
		}
	case fieldBot:
		if s.byBot() {
			return append(into, "")
		}
	case fieldEverything:
		return append(into, "")
	case fieldHolder:
		return slices.AppendSeq(into, s.holders)
	case fieldTeam:
		return slices.AppendSeq(into, s.team)
	}
	return s.appendRoles(into, field)
}

// appendRoles is AppendValues for what the catalogue computes only when it is asked.
func (s *Subject) appendRoles(into []string, field string) []string {
	switch field {
	case fieldObject:
		return append(into, s.Objects...)
	case fieldAuthor:
		return append(into, s.Roles().Author...)
	case fieldAssigned:
		return append(into, s.Roles().Assigned...)
	case fieldMentioned:
		return append(into, s.Roles().Mentioned...)
	case fieldWatcher:
		return append(into, s.Roles().Watchers...)
	}
	return into
}

func (s *Subject) severities(yield func(string) bool) {
	const step = catalogue.Info - catalogue.Debug
	for level := catalogue.Debug; level <= s.Severity && level <= catalogue.Critical; level += step {
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

// Text returns one of Texts, cut to MaxSearch.
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
