// Package suggest drafts entries of a catalogue for messages that none describes, for a person to edit.
//
// It looks at many messages of an application, draws topics together that differ by a word that varies, guesses what
// the fields of the bodies stand for (by their names, as package convention does, and by their values), and writes the
// YAML of a site's file. The file loads as it is; what its sentences say is for the person to better.
package suggest

import (
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/rulespec/catalogue"
	"github.com/notifyd/notifyd/rulespec/catalogue/topics"
	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// The bounds on what a Suggester keeps.
const (
	maxDraftTopics   = 2000 // of all applications
	maxDraftMessages = 20   // of one topic
	manyWords        = 5    // so many different words at one position of a topic are a variable, not names of kinds
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
}

// Suggester gives a Suggester for what c does not describe.
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
		drawn := drawTogether(apps[app])
		drafts = append(drafts, Draft{App: app, Entries: len(drawn), Text: draftApp(app, drawn, kinds)})
	}
	return drafts
}

// drawTogether makes one topic of those that differ in a number, or in one word that has many values.
func drawTogether(seen []*seenTopic) []*seenTopic {
	seen = merge(seen, func(words []string, i int) bool { return varies(words[i]) })
	for i := 1; i < topics.MaxWords; i++ {
		others := map[string]int{} // how many topics are the same but for word i
		without := func(words []string) string {
			words = slices.Clone(words)
			words[i] = "\x00"
			return strings.Join(words, ".")
		}
		for _, t := range seen {
			if i < len(t.words) {
				others[without(t.words)]++
			}
		}
		seen = merge(seen, func(words []string, at int) bool { return at == i && others[without(words)] >= manyWords })
	}
	return seen
}

// merge empties the words that vary, and joins the topics that are the same then.
func merge(seen []*seenTopic, varies func(words []string, i int) bool) []*seenTopic {
	var out []*seenTopic
	byWords := map[string]*seenTopic{}
	for _, t := range seen {
		words := slices.Clone(t.words)
		for i := 1; i < len(words); i++ {
			if varies(t.words, i) {
				words[i] = ""
			}
		}
		key := strings.Join(words, ".")
		if byWords[key] == nil {
			byWords[key] = &seenTopic{words: words}
			out = append(out, byWords[key])
		}
		merged := byWords[key]
		merged.count += t.count
		merged.messages = append(merged.messages, t.messages[:min(len(t.messages), maxDraftMessages-len(merged.messages))]...)
	}
	return out
}

// varies reports a word that names no kind of event: one with a digit, or one that a pattern cannot have.
func varies(word string) bool {
	return strings.ContainsFunc(word, unicode.IsDigit) || strings.ContainsAny(word, "{}*#| \t\r\n") || word == ""
}
