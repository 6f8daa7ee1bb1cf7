package suggest

import (
	"slices"
	"strings"
	"unicode"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/rulespec/catalogue/topics"
)

// manyWords is how many different words at one position of a topic may be names of things. So few are kinds always.
const manyWords = 5

// drawTogether makes one topic of those that differ in a number, or in a word that names a thing: a package, a branch.
// Words that name events stay apart, however many there are, because people filter by them.
func drawTogether(seen []*seenTopic) []*seenTopic {
	seen = merge(seen, func(words []string, i int) bool { return varies(words[i]) })
	for i := 1; i < topics.MaxWords; i++ {
		groups := map[string][]*seenTopic{} // that are the same but for word i
		without := func(words []string) string {
			words = slices.Clone(words)
			words[i] = "\x00"
			return strings.Join(words, ".")
		}
		for _, t := range seen {
			if i < len(t.words) {
				groups[without(t.words)] = append(groups[without(t.words)], t)
			}
		}
		names := map[string]bool{}
		for key, group := range groups {
			names[key] = len(group) >= manyWords && !areEvents(group, i)
		}
		seen = merge(seen, func(words []string, at int) bool { return at == i && names[without(words)] })
	}
	return seen
}

// areEvents says whether the words at a position of topics name events and not things: by what they are, by what the
// bodies say of them, and by whether the bodies are of one form.
func areEvents(group []*seenTopic, at int) bool {
	events, stated, things := 0, 0, 0
	for _, t := range group {
		word := t.words[at]
		if isEvent(word) {
			events++
		}
		if key := whereSaid(t.messages[0].Body, word); eventKey(key) {
			stated++
		} else if key != "" {
			things++
		}
	}
	switch half := (len(group) + 1) / 2; {
	case stated >= half:
		return true
	case things >= half:
		return false
	case events >= half || at == 1 && len(group[0].words) == 2: // application.event
		return true
	}
	return alike(group) < 0.5
}

// eventKey says whether a field of that name says what happened.
func eventKey(key string) bool {
	return strings.Contains(key, "event") || slices.Contains([]string{"type", "object_kind", "action", "what",
		"hook_name", "topic", "routing_key"}, key)
}

// whereSaid gives the name of the field that holds just a word, at the top of a body and one object down; "" for none.
func whereSaid(body any, word string) string {
	for _, p := range pathsOf([]any{body}) {
		if len(p.keys) <= 3 && strings.EqualFold(p.text(0), word) {
			return p.key()
		}
	}
	return ""
}

// alike says how much the bodies of topics are of one form: what part of all their fields two neighbours share, by
// Jaccard's coefficient, on average.
func alike(group []*seenTopic) float64 {
	fieldsOf := func(m *bus.Message) map[string]bool {
		set := map[string]bool{}
		for _, p := range pathsOf([]any{m.Body}) {
			if len(p.keys) <= 2 {
				set[strings.Join(p.keys, ".")] = true
			}
		}
		return set
	}
	sum := 0.0
	for i := 1; i < len(group); i++ {
		a, b := fieldsOf(group[i-1].messages[0]), fieldsOf(group[i].messages[0])
		both := 0
		for key := range a {
			if b[key] {
				both++
			}
		}
		if all := len(a) + len(b) - both; all > 0 {
			sum += float64(both) / float64(all)
		} else {
			sum++
		}
	}
	return sum / float64(len(group)-1)
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
