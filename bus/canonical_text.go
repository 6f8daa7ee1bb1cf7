package bus

import (
	"strings"
	"unicode/utf8"
)

const hexDigits = "0123456789abcdef"

func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				r, n = surrogate(s[i:])
			}
			b = appendRune(b, r)
			i += n
			continue
		}
		i++
		if k := strings.IndexByte("\"\\\n\r\t\f\b", c); k >= 0 {
			b = append(b, '\\', `"\nrtfb`[k])
		} else if c < 0x20 || c == 0x7F {
			b = appendUnit(b, rune(c))
		} else {
			b = append(b, c)
		}
	}
	return append(b, '"')
}

// surrogate decodes the three bytes of a lone surrogate; anything else is one bad byte.
func surrogate(s string) (rune, int) {
	if len(s) >= 3 && s[0] == 0xED && s[1]&0xE0 == 0xA0 && s[2]&0xC0 == 0x80 {
		return 0xD000 | rune(s[1]&0x3F)<<6 | rune(s[2]&0x3F), 3
	}
	return utf8.RuneError, 1
}

func appendRune(b []byte, r rune) []byte {
	if r > 0xFFFF {
		r -= 0x10000
		return appendUnit(appendUnit(b, 0xD800|r>>10), 0xDC00|r&0x3FF)
	}
	return appendUnit(b, r)
}

func appendUnit(b []byte, u rune) []byte {
	return append(b, '\\', 'u', hexDigits[u>>12&15], hexDigits[u>>8&15], hexDigits[u>>4&15], hexDigits[u&15])
}
