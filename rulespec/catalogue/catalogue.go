// Package catalogue gives messages their meaning: it turns a bus.Message into an [Event] with a kind, a sentence, a
// link, the people and packages involved, and a severity.
//
// # The idea
//
// Services publish JSON in a form of their own. What each form means is data, not code: an entry is a few lines of
// YAML, one file an application, built into the program. A site's folder adds entries or overrides them, without a
// release.
//
//	app: library
//	entries:
//	  - topic: library.book.returned       # which messages
//	    kind: library.book                 # the stable name that filters use
//	    name: Books returned               # what pages call it
//	    actor: msg.agent                   # expressions over the body
//	    users: [msg.agent, msg.book.owner.name]
//	    summary: '{{.msg.agent}} returned {{quote .msg.book.title}}'
//
// A [Catalogue] is immutable: a change of the folder makes a new one, which a [Watcher] swaps in. Describing a message
// takes no lock, reads no clock and does no I/O. The sets are computed for every message, since filters match by them;
// the sentence and the link are computed when somebody asks for them.
//
// # Terms
//
//   - A message kind is what an entry describes, such as bodhi.update.comment. Filters name it, so it never changes.
//   - A pattern is a topic with captures, and a trie over words finds it (package topics).
//   - A scope is what the expressions of one entry see of one message (package language). Its variables are lazy: each
//     is computed once, when it is first needed.
//   - A digest joins several events in one sentence; an entry says by which keys they belong together.
//   - A convention describes a message that no entry knows (package convention).
//
// # What holds
//
//   - Describe never fails. What one field cannot say of a message is empty and counted; see Catalogue.Failures.
//   - A sentence is never missing, and never shows a gap where the message lacks a field: what cannot stand without the
//     field goes with it, and the rest stands (package language). It never shows JSON.
//   - An expression reads fields by total functions (package values), so no message can make it panic, and its work and
//     its results are bounded. The language has no way to reach a file, the network or the clock.
//   - Every text of an Event is one line without control characters or marks that turn the direction of writing.
//   - The names of users, packages and objects are sorted and unique. The actor is among the users.
//   - A mistake in a file is a *Mistake with its line and column, and the catalogue that was loaded before stays.
//
// The manual of entries is doc/catalogue.md. Package suggest drafts entries for messages that have none.
package catalogue

import (
	"sync"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// An Event is a Message and what it means. It is immutable and safe for concurrent use.
//
// Its fields are what matching needs, computed for every message. The sentence, the link and the icons cost more:
// methods compute them on the first call. So does who is what to the thing, and where that stands ([Event.Roles],
// [Event.Phase]).
type Event struct {
	*bus.Message
	App      string   // the sending application, e.g. bodhi
	Kind     string   // stable name of the kind of message, e.g. bodhi.update.comment; app + ".unknown" by convention
	KindName string   // the kind's name on the preferences page: "Comments on updates"
	Title    string   // the topic after its third word: "bodhi.update.comment"
	Actor    string   // who did it; "" where nobody or not known
	Users    []string // everyone involved, the actor too; sorted, unique
	Packages []string // sorted, unique
	Groups   []string // groups that the sender states; sorted, unique
	Objects  []string // stable keys of what it is about, e.g. "build/1234": same object, same thread; sorted, unique
	Thread   string   // the object that the entry names first: what later messages about it belong to; "" without objects
	Severity Severity
	Keyword  Keyword // what sort of thing happened: build, test, …

	describe   func() (Prose, []string) // nil: the zero Prose
	once       sync.Once
	prose      Prose
	leftOut    []string
	digestOf   func() Digest // nil: the zero Digest
	digestOnce sync.Once
	digest     Digest
	phase      lazy[Phase]
	roles      lazy[Roles]
	bodyOnce   sync.Once
	bodyText   string
}

// Prose is the part of an Event that only people read.
type Prose struct {
	Summary       string // one sentence, one line
	Link          string // absolute http or https URL, or ""
	Icon          string // the application's icon, URL or ""
	SecondaryIcon string // the actor's avatar or the like, URL or ""
}

// Prose gives the sentence, link and icons; computed once, on the first call.
func (e *Event) Prose() Prose {
	e.once.Do(func() {
		if e.describe != nil {
			e.prose, e.leftOut = e.describe()
		}
	})
	return e.prose
}

// LeftOut gives the parts of the sentence that the message has nothing for, as the entry writes them, and "link" where
// none of the entry's is whole. It computes the Prose.
func (e *Event) LeftOut() []string {
	e.Prose()
	return e.leftOut
}

// WithID gives a copy of the event whose message has another id. All else that people read stays the same.
func (e *Event) WithID(id string) *Event {
	m := *e.Message
	m.ID = id
	copied := &Event{
		Message: &m, App: e.App, Kind: e.Kind, KindName: e.KindName, Title: e.Title, Actor: e.Actor, Users: e.Users,
		Packages: e.Packages, Groups: e.Groups, Objects: e.Objects, Thread: e.Thread, Severity: e.Severity,
		Keyword: e.Keyword, digestOf: e.Digest,
		describe: func() (Prose, []string) { return e.Prose(), e.LeftOut() },
	}
	copied.phase.of, copied.roles.of = e.Phase, e.Roles
	return copied
}

// SetProse sets the sentence, link and icons of an Event that no catalogue described: one that a test made, or that was
// kept with them. Call it before the Event is shared.
func (e *Event) SetProse(p Prose) { e.describe = func() (Prose, []string) { return p, nil } }

// SetAnew takes from d, the same message described anew, what no message is kept with: groups, objects, thread,
// keyword, phase and roles. Call it before the Event is shared.
func (e *Event) SetAnew(d *Event) {
	e.Groups, e.Objects, e.Thread, e.Keyword = d.Groups, d.Objects, d.Thread, d.Keyword
	e.phase.of, e.roles.of = d.Phase, d.Roles
}

// maxBody bounds BodyText, in bytes, and maxSummary a sentence, in characters.
const (
	maxBody    = 64 << 10
	maxSummary = 300
)

// BodyText gives the body's text as regex rules see it: compact JSON, keys sorted, non-ASCII literal, the first 64 KiB
// cut on a rune boundary. Computed once, on the first call.
func (e *Event) BodyText() string {
	e.bodyOnce.Do(func() {
		if e.Message == nil {
			return
		}
		e.bodyText = values.JSON(e.Message.Body, maxBody)
	})
	return e.bodyText
}
