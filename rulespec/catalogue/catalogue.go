// Package catalogue says what messages mean: it turns a bus.Message into an Event.
//
// An entry is data: YAML, one file an application, embedded here and extended or overridden by a site's folder. A
// message that no entry describes still gets a readable Event by convention.
package catalogue

import (
	"sync"

	"github.com/notifyd/notifyd/bus"
)

// An Event is a Message and what it means. It is immutable and safe for concurrent use.
//
// The fields are what matching needs and are computed for every message; the sentence, link and icons cost more and
// are computed when first asked for.
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

	describe func() Prose // nil: the zero Prose
	once     sync.Once
	prose    Prose
	relate   func() Relation // nil: the zero Relation
	related  sync.Once
	relation Relation
	bodyOnce sync.Once
	bodyText string
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
			e.prose = e.describe()
		}
	})
	return e.prose
}

// Severity is how much a message matters, ordered: Debug < Info < Warning < Error < Critical. The first four are those
// of fedora-messaging (10, 20, 30, 40).
type Severity int

// The severities. Info is what a kind has when its entry says nothing.
const (
	Debug    Severity = 10
	Info     Severity = 20
	Warning  Severity = 30
	Error    Severity = 40
	Critical Severity = 50
)
