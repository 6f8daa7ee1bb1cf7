package datagrepper

import (
	"regexp"
	"strings"
)

// words are the values of contains. datagrepper puts each between two % and hands it to LIKE: % stands for any text, _
// for one character, and a backslash takes the next character as it is.
type words []word

type word struct {
	literal string         // "" where like is set
	like    *regexp.Regexp // of a word with wild cards
	never   bool
}

func compileAll(list []string) words {
	all := make(words, len(list))
	for i, text := range list {
		all[i] = compile(text)
	}
	return all
}

func compile(text string) word {
	if !strings.ContainsAny(text, `%_\`) {
		return word{literal: text}
	}
	pattern := strings.Builder{}
	pattern.WriteString("(?s)")
	escaped := false
	for _, c := range text {
		switch {
		case escaped:
			pattern.WriteString(regexp.QuoteMeta(string(c)))
			escaped = false
		case c == '\\':
			escaped = true
		case c == '%':
			pattern.WriteString(".*?")
		case c == '_':
			pattern.WriteString(".")
		default:
			pattern.WriteString(regexp.QuoteMeta(string(c)))
		}
	}
	if escaped { // it takes the % that datagrepper adds as a character, which then ends the text
		pattern.WriteString(`%\z`)
	}
	re, err := regexp.Compile(pattern.String())
	return word{like: re, never: err != nil}
}

// match reports whether a text has one of the words.
func (all words) match(text []byte) bool {
	for _, w := range all {
		switch {
		case w.never:
		case w.like != nil:
			if w.like.Match(text) {
				return true
			}
		case strings.Contains(string(text), w.literal):
			return true
		}
	}
	return false
}
