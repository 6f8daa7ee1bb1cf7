package rulespec

import (
	"encoding/binary"
	"unicode"
	"unicode/utf8"
)

// Fold appends text to dst with every character replaced by the first of those that it is the same as when upper and
// lower case do not count: Unicode's simple folding, by which k, K and the Kelvin sign are one. What is not UTF-8 becomes
// U+FFFD, as which a regular expression takes it. Only ASCII becomes as many bytes as it was, for sure.
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

// upperEight turns the lower case letters among eight ASCII characters into upper case, all at once: an addition carries
// into a byte's highest bit where the byte is at least 'a', another where it is above 'z'.
func upperEight(word uint64) uint64 {
	letters := (word + (0x80-'a')*eachByte) &^ (word + (0x7f-'z')*eachByte) & highBits
	return word ^ letters>>2
}

// foldOne folds the first character of text, and gives how many bytes it takes there.
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

// foldRune gives the least character of those that r folds to.
func foldRune(r rune) rune {
	least := r
	for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
		least = min(least, other)
	}
	return least
}
