package text

import (
	"strconv"
	"strings"
)

// Plural returns n and the form of a word that follows it: one for 1, many for every other number. It takes its
// arguments as gettext's ngettext does, so that irregular words need no rule.
func Plural(n int, one, many string) string {
	if n == 1 {
		many = one
	}
	return strconv.Itoa(n) + " " + many
}

// Number writes a number with commas between thousands.
func Number(n int) string {
	digits := strconv.Itoa(n)
	for at := len(digits) - 3; at > 0 && digits[at-1] != '-'; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return digits
}

// NumberOf is Plural with Number.
func NumberOf(n int, one, many string) string {
	if n == 1 {
		many = one
	}
	return Number(n) + " " + many
}

// Series joins words as a sentence does, with no comma before the last: "a", "a and b", "a, b and c". last is the word
// before the last one: "and", "or", "nor". No words give "".
func Series(words []string, last string) string {
	n := len(words) - 1
	if n < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:n], ", ") + " " + last + " " + words[n]
}
