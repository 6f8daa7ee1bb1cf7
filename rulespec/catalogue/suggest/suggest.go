// Package suggest drafts entries of a catalogue for messages that none describes, for a person to edit.
//
// It looks at many messages of an application, draws topics together that differ by a word that varies, guesses what
// the fields of the bodies stand for (by their names, as package convention does, and by their values), and writes the
// YAML of a site's file. The file loads as it is; what its sentences say is for the person to better.
package suggest

import (
	"maps"
	"slices"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/rulespec/catalogue"
	"github.com/notifyd/notifyd/rulespec/catalogue/topics"
	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// The bounds on what a Suggester keeps.
const (
	maxDraftTopics   = 2000 // of all applications
	maxDraftMessages = 20   // of one topic
)

// A Suggester collects messages that no entry describes and drafts entries for them, to be edited by a person. It is
// not safe for concurrent use.
type Suggester struct {
	catalogue *catalogue.Catalogue
	topics    map[string]*seenTopic
	// Skipped counts the messages that no entry can be drafted for: the first word of their topic is no name of an
	// application, or there were too many topics.
	Skipped int
}

// A seenTopic is a topic, or several drawn together, and some of its messages.
type seenTopic struct {
	words    []string // "" for one that varies
	count    int
	messages []*bus.Message
}

// A Draft is a file for one application.
type Draft struct {
	App     string
	Entries int
	Text    string // YAML, as the folder of a site takes it
	// Unsure has what was guessed with little reason; the text has the same as comments.
	Unsure []Doubt
}

// A Doubt is what is not sure about an entry, or about an application, whose name is then the kind: "actor: there in 1
// of 8 messages only".
type Doubt struct{ Kind, Text string }

// New gives a Suggester for what c does not describe.
func New(c *catalogue.Catalogue) *Suggester {
	return &Suggester{catalogue: c, topics: map[string]*seenTopic{}}
}

// Add takes one message; one that an entry describes is left alone.
func (s *Suggester) Add(m *bus.Message) {
	if s.catalogue.Knows(m) {
		return
	}
	t := s.catalogue.Divide(m.Topic)
	seen := s.topics[t.Title]
	if seen == nil {
		if !topics.IsApp(t.Words[0]) || len(t.Words) > topics.MaxWords || len(s.topics) >= maxDraftTopics {
			s.Skipped++
			return
		}
		seen = &seenTopic{words: t.Words}
		s.topics[t.Title] = seen
	}
	seen.add(m)
}

func (s *seenTopic) add(m *bus.Message) {
	s.count++
	if len(s.messages) < maxDraftMessages {
		s.messages = append(s.messages, m)
	}
}

// Drafts gives a draft for each application, sorted by name.
func (s *Suggester) Drafts() []Draft {
	apps := map[string][]*seenTopic{}
	for _, title := range values.Keys(s.topics) {
		t := s.topics[title]
		apps[t.words[0]] = append(apps[t.words[0]], t)
	}
	kinds := map[string]bool{}
	for _, k := range s.catalogue.Kinds() {
		kinds[k.Kind] = true
	}
	var drafts []Draft
	for _, app := range slices.Sorted(maps.Keys(apps)) {
		draft := Draft{App: app}
		var entries []*draftEntry
		drawn := drawTogether(apps[app])
		shared := s.sharedActor(app, drawn)
		for _, t := range drawn {
			d := newEntry(t, fieldsOf(s.catalogue, app, t.messages), shared, kinds)
			entries = append(entries, d)
		}
		keyword, doubt := settleKeywords(entries), doubtLinks(entries)
		if doubt != "" {
			draft.Unsure = append(draft.Unsure, Doubt{app, doubt})
		}
		for _, d := range entries {
			d.settle()
			for _, doubt := range d.unsure {
				draft.Unsure = append(draft.Unsure, Doubt{d.kind, doubt})
			}
		}
		draft.Entries, draft.Text = len(entries), writeApp(app, keyword, doubt, shared, entries)
		drafts = append(drafts, draft)
	}
	return drafts
}

// sharedActor looks at some messages of each topic for the fields that say who did it.
func (s *Suggester) sharedActor(app string, seen []*seenTopic) []*candidate {
	const perTopic, all = 3, 200
	var some []*bus.Message
	for _, t := range seen {
		some = append(some, t.messages[:min(len(t.messages), perTopic)]...)
	}
	return fieldsOf(s.catalogue, app, some[:min(len(some), all)]).sharedActor()
}
