package rulespec

import (
	"encoding/binary"
	"unicode"
	"unicode/utf8"
)

// Fold appends text to dst with upper and lower case made the same, by Unicode's simple folding: each character becomes
// the least one of those that it folds with, so that k, K and the Kelvin sign all become K. What is not UTF-8 becomes
// U+FFFD, as regular expressions read it. A text that is not ASCII may change its length.
func Fold(dst []byte, text string) []byte {
	for len(text) >= 8 {
		word := uint64(text[0]) | uint64(text[1])<<8 | uint64(text[2])<<16 | uint64(text[3])<<24 |
			uint64(text[4])<<32 | uint64(text[5])<<40 | uint64(text[6])<<48 | uint64(text[7])<<56
		if word&highBits == 0 {
			dst = binary.LittleEndian.AppendUint64(dst, upperEight(word))
			text = text[8:]
			continue
		}
		size := 0
		dst, size = foldOne(dst, text)
		text = text[size:]
	}
	for len(text) > 0 {
		size := 0
		dst, size = foldOne(dst, text)
		text = text[size:]
	}
	return dst
}

const (
	eachByte = 0x0101010101010101
	highBits = 0x80 * eachByte
)

// upperEight makes the lower case letters among eight ASCII characters upper case, all at once. One addition sets the
// highest bit of each byte that is at least 'a', another that of each byte above 'z'.
func upperEight(word uint64) uint64 {
	letters := (word + (0x80-'a')*eachByte) &^ (word + (0x7f-'z')*eachByte) & highBits
	return word ^ letters>>2
}

// foldOne folds the first character of text and returns its length in text.
func foldOne(dst []byte, text string) ([]byte, int) {
	if c := text[0]; c < utf8.RuneSelf {
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		return append(dst, c), 1
	}
	r, size := utf8.DecodeRuneInString(text)
	return utf8.AppendRune(dst, foldRune(r)), size
}

// foldRune returns the least of the characters that r folds with.
func foldRune(r rune) rune {
	least := r
	for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
		least = min(least, other)
	}
	return least
}
