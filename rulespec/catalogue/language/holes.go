package language

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"
)

// NoValue marks the hole that a missing field leaves, as text/template prints it.
const NoValue = "<no value>"

// Broken reports whether the Sentence that was rendered last has a hole that stands alone where a word belongs, as in
// "bob pushed to ():". A hole next to a word was optional.
func (sc *Scope) Broken() bool {
	for _, at := range sc.holes {
		if at <= len(sc.out) && alone(sc.out[:at], sc.out[at:]) {
			return true
		}
	}
	return false
}

// alone reports whether a hole between before and after leaves a gap.
func alone(before, after []byte) bool {
	mark := []byte(NoValue)
	for bytes.HasSuffix(before, mark) {
		before = before[:len(before)-len(mark)]
	}
	for bytes.HasPrefix(after, mark) {
		after = after[len(mark):]
	}
	left, _ := utf8.DecodeLastRune(before)
	right, _ := utf8.DecodeRune(after)
	switch {
	case isWord(left) || isWord(right):
		return false
	case strings.ContainsRune(")]}\"'.…", left) && len(before) > 0: // the end of something
		return left == '"' && right == '"'
	default:
		return len(after) == 0 || !strings.ContainsRune("([{\"'@#", right) || left == right
	}
}

func isWord(r rune) bool { return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r)) }
