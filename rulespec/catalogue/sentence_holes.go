package catalogue

import (
	"bytes"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// broken says whether the sentence that a frame has just written cannot be read for what its message lacks: a hole that
// stands alone where a word belongs, as in "bob pushed to ():". A hole that clings to a word was optional.
func (f *frame) broken() bool {
	for _, at := range f.holes {
		if at <= len(f.out) && alone(f.out[:at], f.out[at:]) {
			return true
		}
	}
	return false
}

// alone says whether nothing between before and after leaves a gap.
func alone(before, after []byte) bool {
	mark := []byte(noValue)
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

// gapped says whether a link lacks a part of its path or the value that it ends with.
func gapped(link string) bool {
	u, err := url.Parse(link)
	return err != nil || strings.Contains(u.Path, "//") || strings.HasSuffix(link, "=")
}
