package catalogue

import (
	"strings"
	"sync"
	"sync/atomic"

	"github.com/notifyd/notifyd/bus"
)

// A Catalogue knows what messages mean. It is immutable and safe for concurrent use.
type Catalogue struct {
	apps     []*app // sorted by name
	tree     branch
	accounts map[string]string
	machines *sync.Pool
	failures map[*app][]atomic.Uint64 // of each field of an application
}

// Describe works out what a message means. It never fails: what one field cannot say of this message is empty and
// counted (see Failures), and a message that no entry describes is described by convention.
func (c *Catalogue) Describe(m *bus.Message) *Event {
	f, t := c.find(m)
	e := &Event{Message: m, Title: oneLine(t.title, maxSummary), Severity: Info}
	stated := headersOf(m.Headers)
	e.Groups = cleanSet(stated.groups)
	words := t.words
	if f == nil {
		describeUnknown(c, e, words, stated)
		return e
	}
	f.fill(e, stated)
	e.relate = f.relate
	e.describe = func() Prose {
		p := f.prose()
		if p.Summary == "" { // a sentence is never missing: the conventional one is better than none
			body, _ := m.Body.(map[string]any)
			p.Summary = unknownProse(e, words, body).Summary
		}
		return p
	}
	return e
}

// A topic is divided into its parts.
type topic struct {
	root, environment, title string
	words                    []string // of the title
}

// find gives the entry that describes a message, with what its condition has computed; nil where there is none.
func (c *Catalogue) find(m *bus.Message) (*frame, topic) {
	var t topic
	t.root, t.environment, t.title = divide(m.Topic)
	t.words = strings.Split(t.title, ".")
	var f *frame
	found := len(m.Topic) <= bus.MaxTopic && c.tree.find(t.words, func(candidate *entry) bool {
		f = c.frame(candidate, m, t)
		return f.holds()
	})
	if !found {
		return nil, t
	}
	return f, t
}

// WithAccounts gives the same catalogue with a map from nicks, mail addresses and OpenIDs to accounts, for the function
// account. Addresses and URLs that stand in the map in small letters are found in any. The map must not change any more.
func (c *Catalogue) WithAccounts(accounts map[string]string) *Catalogue {
	with := *c
	with.accounts = accounts
	return &with
}
