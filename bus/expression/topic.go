package expression

import (
	"strings"

	"github.com/notifyd/notifyd/internal/text"
)

const (
	maxWord  = 64
	maxWords = 4
	wordEnds = ".:/"
)

// NoWord stands in a topic for a value that is missing.
const NoWord = "unknown"

// Topic gives the expression's topic: each value is a word, or some, of a-z, 0-9, _ and -.
func (e Expression) Topic(s Scope) string {
	var b strings.Builder
	for _, p := range e.pieces {
		if p.places == nil {
			b.WriteString(p.text)
			continue
		}
		b.WriteString(p.topic(p.value(s)))
	}
	return b.String()
}

func (p piece) topic(value string) string {
	if !p.words {
		return Word(value)
	}
	var words []string
	for w := range strings.FieldsFuncSeq(value, func(r rune) bool { return strings.ContainsRune(wordEnds, r) }) {
		if words = append(words, Word(w)); len(words) == maxWords {
			break
		}
	}
	if words == nil {
		return NoWord
	}
	return strings.Join(words, ".")
}

// Word makes one word of a topic.
func Word(value string) string {
	if value == "" {
		return NoWord
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '_', r == '-':
			return r
		}
		return '_'
	}, text.CutBytes(value, maxWord))
}
