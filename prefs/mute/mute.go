// Package mute decides what a person does not want to hear of for a while.
//
// A Mute silences what is about one thing, package, kind of message, person, filter or application, until it ends. It
// is pure: it takes the time as an argument, and what it has to know of a message as Facts.
//
//	m := mute.Mute{Kind: mute.Package, Value: "bash", Made: now, Ends: now.Add(24 * time.Hour), Errors: true}
//	m.Silences(&facts, now) // true, unless the message is an error
package mute

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/notifyd/notifyd/internal/text"
)

// A Kind says what a mute is of.
type Kind string

// These are the kinds of mutes.
const (
	Object  Kind = "object"  // a ticket, a build, an update: one of a message's objects
	Package Kind = "package" // one of a message's packages
	Topic   Kind = "kind"    // a kind of message: "bodhi.update.comment"
	Person  Kind = "person"  // who did it
	Filter  Kind = "filter"  // a filter of the person's own, by its id
	App     Kind = "app"     // an application
)

// Kinds are all of them, as a page lists them.
var Kinds = []Kind{Object, Package, Topic, Person, Filter, App}

// The bounds on a mute.
const (
	Shortest = time.Hour
	Longest  = 366 * 24 * time.Hour // of one that lasts until something is solved, too
	MaxValue = 1000                 // bytes
)

// A Mute is what a person does not want to hear of, from Made until End.
type Mute struct {
	ID    uint
	Kind  Kind
	Value string // which one: "bash", "ticket/bash/7"; of a filter its id
	Label string // what people call it, where that is not Value: a filter's name, the title of a ticket
	Made  time.Time
	Ends  time.Time // not after Made + Longest
	// UntilSolved ends it when a message says that the object is solved: see Ender. Ends stays the latest end.
	UntilSolved bool
	Errors      bool      // errors still come through
	Ended       time.Time // before Ends, by its owner or since it was solved; zero: it was not
}

// An Error is a mistake in a mute, written for the person who makes it.
type Error struct {
	Field   string // "kind", "value", "ends", "until_solved"
	Problem string
}

// Error returns the field and what is wrong with it.
func (e *Error) Error() string { return e.Field + ": " + e.Problem }

// Check returns the first mistake in a mute, as an *Error; nil when there is none.
func (m Mute) Check() error {
	lasts := m.Ends.Sub(m.Made)
	switch {
	case !slices.Contains(Kinds, m.Kind):
		return &Error{"kind", fmt.Sprintf("%q is none of object, package, kind, person, filter and app", cut(string(m.Kind)))}
	case m.Value == "":
		return &Error{"value", "is missing: what is it to be of?"}
	case len(m.Value) > MaxValue || len(m.Label) > MaxValue:
		return &Error{"value", fmt.Sprintf("is longer than %d bytes", MaxValue)}
	case !isName(m.Value) || !isName(m.Label):
		return &Error{"value", "has characters that no name has"}
	case m.Kind == Filter && m.filter() == 0:
		return &Error{"value", "is no filter"}
	case m.UntilSolved && m.Kind != Object:
		return &Error{"until_solved", "is for one thing, such as a ticket: nothing else is ever solved"}
	case lasts < Shortest || lasts > Longest:
		return &Error{"ends", "is not between an hour and a year from now"}
	}
	return nil
}

// isName reports whether a text may be stored as the name of a thing.
func isName(s string) bool {
	return text.Storable(s) == s && strings.TrimSpace(s) == s && !strings.ContainsFunc(s, unicode.IsControl)
}

func cut(s string) string { return text.ElideBytes(s, 40) }

// End is when it ends, or has ended.
func (m *Mute) End() time.Time {
	if m.Ended.IsZero() || m.Ended.After(m.Ends) {
		return m.Ends
	}
	return m.Ended
}

// On reports whether it silences at a moment: from Made on, and not from End on.
func (m *Mute) On(now time.Time) bool { return !now.Before(m.Made) && now.Before(m.End()) }

// filter is the id of the filter that it is of; 0 where it is of none.
func (m *Mute) filter() uint64 {
	if m.Kind != Filter {
		return 0
	}
	id, err := strconv.ParseUint(m.Value, 10, 64)
	if err != nil || strconv.FormatUint(id, 10) != m.Value {
		return 0
	}
	return id
}

// Same reports whether two mutes are of the same thing.
func (m *Mute) Same(other *Mute) bool { return m.Kind == other.Kind && m.is(other.Value) }

// is compares a value as its kind does: objects are keys, of which a letter may be in capitals by chance.
func (m *Mute) is(value string) bool {
	if m.Kind == Object || m.Kind == Filter {
		return m.Value == value
	}
	return strings.EqualFold(m.Value, value)
}
