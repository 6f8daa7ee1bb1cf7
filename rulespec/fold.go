package rulespec

import (
	"unicode"
	"unicode/utf8"
)

// Fold appends text to dst with every character replaced by the first of those that it is the same as when upper and
// lower case do not count: Unicode's simple folding, by which k, K and the Kelvin sign are one. What is not UTF-8 becomes
// U+FFFD, as which a regular expression takes it.
func Fold(dst []byte, text string) []byte {
	for i := 0; i < len(text); {
		c := text[i]
		if c < utf8.RuneSelf {
			if 'a' <= c && c <= 'z' {
				c -= 'a' - 'A'
			}
			dst = append(dst, c)
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		dst = utf8.AppendRune(dst, foldRune(r))
		i += size
	}
	return dst
}

// foldRune gives the least character of those that r folds to.
func foldRune(r rune) rune {
	least := r
	for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
		least = min(least, other)
	}
	return least
}
