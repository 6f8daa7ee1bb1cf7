package trust

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A pattern matches topics as a binding of an AMQP topic exchange does (AMQP 0-9-1, section 3.1.3.3): its words are
// separated by dots, the word * matches any one word, and the word # matches any number of words, also none. Without
// either it matches that one topic, as in fedmsg's routing_policy.
type pattern struct {
	text  string
	words []string
}

// maxPatternWords bounds the work of a match.
const maxPatternWords = 32

func parsePattern(text string) (pattern, error) {
	words := strings.Split(text, ".")
	if len(words) > maxPatternWords {
		return pattern{}, fmt.Errorf("%d words; at most %d are matched", len(words), maxPatternWords)
	}
	for i, word := range words {
		switch {
		case word == "":
			return pattern{}, errors.New("an empty word; expected words with dots between them")
		case word == "*", word == "#":
			if word == "#" && i > 0 && words[i-1] == "#" {
				return pattern{}, errors.New("# twice in a row; expected it once")
			}
		case strings.ContainsAny(word, "*#"):
			return pattern{}, fmt.Errorf("%q; expected * or # as a word of its own", word)
		case strings.ContainsFunc(word, func(r rune) bool { return r <= ' ' || r == 0x7F }):
			return pattern{}, fmt.Errorf("%q; expected a word without spaces", word)
		}
	}
	return pattern{text, words}, nil
}

// exact reports whether p matches one topic only.
func (p pattern) exact() bool {
	return !slices.Contains(p.words, "*") && !slices.Contains(p.words, "#")
}

// matches reports whether p matches a topic of these words. On a mismatch it gives one more word to the last #, which
// is enough: what stood before it matched already. So the work is the product of the lengths at most.
func (p pattern) matches(topic []string) bool {
	at, word := 0, 0
	retryAt, retryWord := -1, 0
	for at < len(topic) {
		switch {
		case word < len(p.words) && p.words[word] == "#":
			retryAt, retryWord = at, word
			word++
		case word < len(p.words) && (p.words[word] == "*" || p.words[word] == topic[at]):
			at++
			word++
		case retryAt >= 0:
			retryAt++
			at, word = retryAt, retryWord+1
		default:
			return false
		}
	}
	return word == len(p.words) || word == len(p.words)-1 && p.words[word] == "#"
}

// moreSpecific sorts the pattern first that says more of a topic: more words that must be literally there, then fewer
// #, then more words. Between equals the first word decides in which they differ in kind: a literal before * before #.
// What is still equal is sorted by its text, so that the order never depends on chance.
func moreSpecific(a, b pattern) int {
	byKind := func(x, y string) int { return cmp.Compare(kindOfWord(x), kindOfWord(y)) }
	return cmp.Or(
		cmp.Compare(b.count(literalWord), a.count(literalWord)),
		cmp.Compare(a.count(anyWords), b.count(anyWords)),
		cmp.Compare(len(b.words), len(a.words)),
		slices.CompareFunc(a.words, b.words, byKind),
		strings.Compare(a.text, b.text),
	)
}

type wordKind int

const (
	literalWord wordKind = iota
	anyWord
	anyWords
)

func kindOfWord(word string) wordKind {
	switch word {
	case "*":
		return anyWord
	case "#":
		return anyWords
	}
	return literalWord
}

func (p pattern) count(kind wordKind) int {
	n := 0
	for _, word := range p.words {
		if kindOfWord(word) == kind {
			n++
		}
	}
	return n
}
