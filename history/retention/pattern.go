package retention

import (
	"fmt"
	"strings"

	"github.com/notifyd/notifyd/bus"
)

// A pattern is the words of one; nil matches everything.
type pattern []string

// maxWords bounds the work of a match.
const maxWords = 32

// parse reads a pattern; "" is nil.
func parse(text string) (pattern, error) {
	if text == "" {
		return nil, nil
	}
	words := strings.Split(text, ".")
	if len(words) > maxWords {
		return nil, fmt.Errorf("%d words; at most %d are matched", len(words), maxWords)
	}
	for _, word := range words {
		switch {
		case word == "":
			return nil, fmt.Errorf("%q has an empty word; expected words with dots between them", text)
		case word != "*" && word != "#" && strings.ContainsAny(word, "*#"):
			return nil, fmt.Errorf("%q; expected * or # as a word of its own", word)
		case strings.ContainsFunc(word, func(r rune) bool { return r <= ' ' || r == 0x7F }):
			return nil, fmt.Errorf("%q; expected a word without spaces", word)
		}
	}
	return words, nil
}

func (p pattern) matches(text string) bool {
	return p == nil || bus.MatchTopic(p, strings.Split(text, "."))
}

// covers reports whether p matches all that q matches. It may fail to see it where both have a #, and never says so
// where it is not so. Words go from the end: at i and j stands whether the rest of p covers the rest of q.
func (p pattern) covers(q pattern) bool {
	if p == nil || q == nil {
		return p == nil
	}
	next := make([]bool, len(q)+1) // of p[i+1:]
	next[len(q)] = true
	for i := len(p) - 1; i >= 0; i-- {
		row := make([]bool, len(q)+1)
		for j := len(q); j >= 0; j-- {
			switch {
			case p[i] == "#":
				row[j] = next[j] || j < len(q) && row[j+1]
			case j < len(q) && q[j] != "#":
				row[j] = (p[i] == "*" || p[i] == q[j]) && next[j+1]
			}
		}
		next = row
	}
	return next[0]
}
