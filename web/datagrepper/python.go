package datagrepper

import (
	"bytes"
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// pythonJSON writes valid JSON as Python's json.dumps does: ASCII alone, and with spaced a blank after each comma and
// colon. Numbers and the order of keys stay as they are.
func pythonJSON(text []byte, spaced bool) []byte {
	out := make([]byte, 0, len(text)+len(text)/8)
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case ' ', '\t', '\r', '\n':
		case ',', ':':
			if out = append(out, c); spaced {
				out = append(out, ' ')
			}
		case '"':
			n := 0
			if out, n = pythonText(out, text[i:]); n == 0 {
				return append(out, text[i:]...) // no JSON
			}
			i += n - 1
		default:
			out = append(out, c)
		}
	}
	return out
}

// pythonText writes the string that text begins with, and gives its length; 0: it does not end.
func pythonText(out, text []byte) ([]byte, int) {
	out = append(out, '"')
	for i := 1; i < len(text); {
		switch c := text[i]; {
		case c == '"':
			return append(out, '"'), i + 1
		case c == '\\' && i+1 < len(text):
			n := 2
			if text[i+1] == 'u' {
				n = min(6, len(text)-i)
			}
			out = pythonEscape(out, text[i:i+n])
			i += n
		case c < utf8.RuneSelf:
			out = append(out, c)
			i++
		default:
			r, n := utf8.DecodeRune(text[i:])
			out = appendEscaped(out, r)
			i += n
		}
	}
	return out, 0
}

// pythonEscape writes an escape as Python does: short where there is a short one, and none where none is needed.
func pythonEscape(out, escape []byte) []byte {
	if string(escape) == `\/` {
		return append(out, '/')
	}
	if len(escape) != 6 {
		return append(out, escape...)
	}
	escape = bytes.ToLower(escape)
	n, err := strconv.ParseUint(string(escape[2:]), 16, 16)
	if err != nil {
		return append(out, escape...)
	}
	r := rune(n)
	if short, ok := shortEscapes[r]; ok {
		return append(out, short...)
	}
	if r >= 0x20 && r < 0x7f {
		return append(out, byte(r))
	}
	return append(out, escape...)
}

var shortEscapes = map[rune]string{
	'"': `\"`, '\\': `\\`, '\n': `\n`, '\r': `\r`, '\t': `\t`, '\b': `\b`, '\f': `\f`,
}

func appendEscaped(out []byte, r rune) []byte {
	if r > 0xFFFF {
		high, low := utf16.EncodeRune(r)
		return fmt.Appendf(out, `\u%04x\u%04x`, high, low)
	}
	return fmt.Appendf(out, `\u%04x`, r)
}
