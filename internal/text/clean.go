package text

import (
	"strings"
	"unicode"
)

// maxMarks is how many combining marks may follow each other. No script needs more than four.
const maxMarks = 6

// Clean makes a text of several lines of what anybody may have published: valid UTF-8 (a broken run of bytes becomes
// U+FFFD), "\n" as the only line end, no control characters but "\n" and "\t", no bidirectional embeddings, overrides
// and isolates, no byte-order marks, no interlinear annotations, at most six combining marks in a row.
//
// The implicit direction marks (U+200E, U+200F, U+061C) stay: Hebrew and Arabic need them around punctuation, and they
// do not reach beyond their neighbours.
func Clean(s string) string {
	if IsPlainLine(s) {
		return s
	}
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\ufffd"), "\r\n", "\n")
	marks := 0
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\r', r == '\v', r == '\f', r == '\u0085', r == '\u2028', r == '\u2029':
			r = '\n'
		case r == '\n', r == '\t':
		case unicode.IsControl(r), isFormat(r):
			return -1
		case unicode.Is(unicode.M, r):
			if marks++; marks > maxMarks {
				return -1
			}
			return r
		}
		marks = 0
		return r
	}, s)
}

// isFormat reports the characters that steer how others are shown: embeddings, overrides and isolates, the byte-order
// mark, interlinear annotations.
func isFormat(r rune) bool {
	return r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0xfeff || r >= 0xfff9 && r <= 0xfffb
}

// OneLine makes one line of a text: Clean, and then every run of white space, line ends among them, becomes one space,
// and none is left at the ends.
func OneLine(s string) string {
	if IsPlainLine(s) {
		return s
	}
	return strings.Join(strings.Fields(Clean(s)), " ")
}

// IsPlainLine reports the texts that Clean and OneLine leave as they are, as nearly all are: printable ASCII with
// single spaces between words.
func IsPlainLine(s string) bool {
	last := byte(' ')
	for i := range len(s) {
		c := s[i]
		if c < ' ' || c > '~' || c == ' ' && last == ' ' {
			return false
		}
		last = c
	}
	return last != ' ' || s == ""
}

// Storable makes s fit for a text column and changes nothing else: PostgreSQL takes neither NUL nor bytes that are not
// UTF-8. Both become U+FFFD.
func Storable(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\ufffd"), "\x00", "\ufffd")
}
