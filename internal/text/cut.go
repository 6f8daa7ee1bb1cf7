package text

import (
	"strings"
	"unicode/utf8"
)

// Ellipsis ends what ElideBytes and ElideRunes shortened: one rune, three bytes.
const Ellipsis = "…"

// CutBytes returns the longest start of s that has at most limit bytes and ends between two runes. It drops at most
// three bytes more than it must. A limit below 1 gives "".
func CutBytes(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	if limit <= 0 {
		return ""
	}
	for start := limit - 1; start >= 0 && limit-start < utf8.UTFMax; start-- {
		if !utf8.RuneStart(s[start]) {
			continue
		}
		if _, size := utf8.DecodeRuneInString(s[start:]); start+size > limit {
			return s[:start]
		}
		break
	}
	return s[:limit]
}

// CutRunes returns the first limit runes of s, or s where it has no more. A byte that is not UTF-8 counts as a rune.
func CutRunes(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for i := range s {
		if limit--; limit < 0 {
			return s[:i]
		}
	}
	return s
}

// ElideBytes returns s where it has at most limit bytes. Otherwise it returns a start of s and an ellipsis, together at
// most limit bytes, with no space before the ellipsis. A limit below the three bytes of the ellipsis gives "".
func ElideBytes(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	if limit < len(Ellipsis) {
		return ""
	}
	return elided(CutBytes(s, limit-len(Ellipsis)))
}

// ElideRunes returns s where it has at most limit runes. Otherwise it returns a start of s and an ellipsis, together at
// most limit runes, with no space before the ellipsis. A limit below 1 gives "".
func ElideRunes(s string, limit int) string {
	start := CutRunes(s, limit)
	if len(start) == len(s) || limit < 1 {
		return start
	}
	_, last := utf8.DecodeLastRuneInString(start)
	return elided(start[:len(start)-last])
}

func elided(start string) string { return strings.TrimRight(start, " ") + Ellipsis }
