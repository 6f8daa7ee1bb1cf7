package topics

import (
	"fmt"
	"slices"
	"strings"

	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// MaxWords bounds the words of a pattern and with them the work of finding an entry.
const MaxWords = 16

// A Pattern is a topic with captures: words that must stand there, {name} for any one word, {name=a|b} for one of
// several, {name...} at the end for one word or more. {} captures nothing.
type Pattern struct {
	Text     string
	words    []word
	captured bool // some word is captured by a name
}

type word struct {
	literals []string // what may stand here; nil: any word
	capture  string   // the name it gets, or ""
	rest     bool     // takes all words from here on
}

// Parse reads a pattern.
func Parse(text string) (Pattern, error) {
	p := Pattern{Text: text}
	fixed, rest := text, word{}
	if before, open := strings.CutSuffix(text, "...}"); open {
		i := strings.LastIndex(before, ".{")
		if i < 0 || !isCaptureName(before[i+2:]) {
			return p, fmt.Errorf("topic %q: want .{name...} as the last word", text)
		}
		fixed, rest = before[:i], word{capture: before[i+2:], rest: true}
	}
	for _, part := range strings.Split(fixed, ".") {
		w, err := parseWord(part)
		if err != nil {
			return p, fmt.Errorf("topic %q: %w", text, err)
		}
		p.words = append(p.words, w)
	}
	if rest.rest {
		p.words = append(p.words, rest)
	}
	if p.words[0].literals == nil {
		return p, fmt.Errorf("topic %q: the first word is the application and cannot be a capture of any word", text)
	}
	p.captured = slices.ContainsFunc(p.words, func(w word) bool { return w.capture != "" })
	if len(p.words) > MaxWords {
		return p, fmt.Errorf("topic %q has more than %d words", text, MaxWords)
	}
	return p, nil
}

func parseWord(text string) (word, error) {
	inner, braced := strings.CutPrefix(text, "{")
	if !braced {
		if text == "" || strings.ContainsAny(text, "{}*# \t\r\n") {
			return word{}, fmt.Errorf("%q is no word: want letters, {name}, {name=a|b} or, at the end, {name...}", text)
		}
		return word{literals: []string{text}}, nil
	}
	inner, closed := strings.CutSuffix(inner, "}")
	name, choices, choice := strings.Cut(inner, "=")
	if !closed || !isCaptureName(name) {
		return word{}, fmt.Errorf("%q is no capture: want {name} or {name=a|b}", text)
	}
	w := word{capture: name}
	if choice {
		if w.literals = strings.Split(choices, "|"); slices.Contains(w.literals, "") {
			return w, fmt.Errorf("%q: want {name=one|other}", text)
		}
	}
	return w, nil
}

// Captures gives the captured words of a topic that the pattern fits, by calling set for each. It gives false for a
// topic that the pattern does not fit, or captures nothing of.
func (p Pattern) Captures(words []string, set func(name, value string)) bool {
	if !p.captured || !p.fits(words) {
		return false
	}
	for i, w := range p.words {
		switch {
		case w.capture == "":
		case w.rest:
			set(w.capture, strings.Join(words[i:], "."))
		default:
			set(w.capture, words[i])
		}
	}
	return true
}

// Names gives the names that the pattern captures words by, in their order.
func (p Pattern) Names() []string {
	var names []string
	for _, w := range p.words {
		if w.capture != "" {
			names = append(names, w.capture)
		}
	}
	return names
}

// Apps gives the words that a topic may begin with.
func (p Pattern) Apps() []string { return p.words[0].literals }

// Only says whether the pattern fits that one topic and no other.
func (p Pattern) Only(topic string) bool {
	words := strings.Split(topic, ".")
	if len(words) != len(p.words) {
		return false
	}
	for i, w := range p.words {
		if w.rest || len(w.literals) != 1 || w.literals[0] != words[i] {
			return false
		}
	}
	return true
}

func isCaptureName(s string) bool { return s == "" || values.IsIdentifier(s) }

// fits says whether the pattern fits a topic's words.
func (p Pattern) fits(words []string) bool {
	for i, w := range p.words {
		switch {
		case w.rest:
			return len(words) > i
		case i >= len(words) || w.literals != nil && !slices.Contains(w.literals, words[i]):
			return false
		}
	}
	return len(words) == len(p.words)
}
