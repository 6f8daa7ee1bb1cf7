package irc

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// mIRC's colour (^C and up to two numbers) and its hexadecimal sister (^D). The one-byte codes go with the other controls.
var colourCodes = regexp.MustCompile(`\x03(?:[0-9]{1,2}(?:,[0-9]{1,2})?)?|\x04(?:[0-9a-fA-F]{6}(?:,[0-9a-fA-F]{6})?)?`)

// maxForeign bounds in bytes what one foreign text may cost; far more than is ever sent.
const maxForeign = 8 << 10

// clean makes foreign text fit to stand in a line: one line of valid UTF-8 without formatting codes, without controls
// and without the characters that turn the direction of writing, and with single spaces.
func clean(s string) string {
	if len(s) > maxForeign {
		s = s[:maxForeign]
	}
	s = colourCodes.ReplaceAllString(strings.ToValidUTF8(s, "\uFFFD"), "")
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\t', r == '\n', r == '\r', r == '\u0085', r == '\u2028', r == '\u2029':
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r), r == '\uFEFF':
			return -1
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}

// split cuts clean text into lines of at most budget bytes, between words where it can, never inside a rune. Only the
// spaces at the cuts are lost. A budget below utf8.UTFMax is taken as that.
func split(text string, budget int) []string {
	budget = max(budget, utf8.UTFMax)
	var lines []string
	for text = strings.Trim(text, " "); len(text) > budget; {
		at := strings.LastIndexByte(text[:budget+1], ' ')
		if at <= 0 {
			at = runeStart(text, budget)
		}
		lines = append(lines, strings.TrimRight(text[:at], " "))
		text = strings.TrimLeft(text[at:], " ")
	}
	if text != "" {
		lines = append(lines, text)
	}
	return lines
}

// runeStart gives the last place at or before at where a rune begins.
func runeStart(s string, at int) int {
	for i := at; i > 0 && i > at-utf8.UTFMax; i-- {
		if utf8.RuneStart(s[i]) {
			return i
		}
	}
	return at // not UTF-8: any place is as good
}

// shorten cuts text to at most size bytes and ends it with an ellipsis if anything was lost; between words when that
// loses little.
func shorten(text string, size int) string {
	const ellipsis = "…"
	if len(text) <= size {
		return text
	}
	if size <= len(ellipsis) {
		return ""
	}
	end := runeStart(text, size-len(ellipsis))
	if space := strings.LastIndexByte(text[:end], ' '); space > end*2/3 {
		end = space
	}
	return strings.TrimRight(text[:end], " ") + ellipsis
}
