// Package catalogue says what messages mean: it turns a bus.Message into an Event.
//
// An entry is data: YAML, one file an application, embedded here and extended or overridden by a site's folder. A
// message that no entry describes still gets a readable Event by convention.
package catalogue

import (
	"sync"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/rulespec/catalogue/values"
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

	describe   func() Prose // nil: the zero Prose
	once       sync.Once
	prose      Prose
	digestOf   func() Digest // nil: the zero Digest
	digestOnce sync.Once
	digest     Digest
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
			e.prose = e.describe()
		}
	})
	return e.prose
}

// SetProse gives an Event that no catalogue described its sentence, link and icons: one made by a test, or read back from
// where they were kept. Call it before anybody else has the Event.
func (e *Event) SetProse(p Prose) { e.describe = func() Prose { return p } }

// maxBody bounds BodyText, in bytes, and maxSummary a sentence, in characters.
const (
	maxBody    = 64 << 10
	maxSummary = 300
)

// BodyText gives the body's text as regex rules see it: compact JSON, keys sorted, non-ASCII literal, the first 64 KiB cut
// on a rune boundary. Computed once, on the first call.
func (e *Event) BodyText() string {
	e.bodyOnce.Do(func() {
		if e.Message == nil {
			return
		}
		e.bodyText = values.JSON(e.Message.Body, maxBody)
	})
	return e.bodyText
}
