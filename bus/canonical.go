package bus

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Canonical gives the canonical JSON of v, which fedmsg publishes and signs. It is, byte for byte, what CPython's
// json.dumps(v, sort_keys=True, separators=(",", ":")) gives: no white space, keys sorted by code point, ASCII only,
// integers of any size in decimal, floats in the shortest form that reads back, with a point or an exponent.
//
// v is made of the types that Decode gives (nil, bool, string, json.Number, []any, map[string]any) and of int, int64
// and float64. Any other type is an error. A byte of a string that is not UTF-8 becomes U+FFFD, except in a lone
// surrogate, which becomes its escape.
func Canonical(v any) ([]byte, error) {
	return appendCanonical(nil, v, 0)
}

func appendCanonical(b []byte, v any, depth int) ([]byte, error) {
	if depth > MaxDepth+1 { // an envelope is one level around its body
		return nil, fmt.Errorf("value nested deeper than %d", MaxDepth+1)
	}
	switch v := v.(type) {
	case nil:
		return append(b, "null"...), nil
	case bool:
		return strconv.AppendBool(b, v), nil
	case string:
		return appendString(b, v), nil
	case int:
		return strconv.AppendInt(b, int64(v), 10), nil
	case int64:
		return strconv.AppendInt(b, v, 10), nil
	case float64:
		return appendFloat(b, v), nil
	case json.Number:
		return appendNumber(b, string(v))
	case []any:
		return appendList(b, v, depth)
	case map[string]any:
		return appendObject(b, v, depth)
	}
	return nil, fmt.Errorf("no JSON for a %T", v)
}

func appendList(b []byte, list []any, depth int) ([]byte, error) {
	b = append(b, '[')
	for i, v := range list {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = appendCanonical(b, v, depth+1); err != nil {
			return nil, err
		}
	}
	return append(b, ']'), nil
}

func appendObject(b []byte, m map[string]any, depth int) ([]byte, error) {
	b = append(b, '{')
	for i, k := range sortedKeys(m) {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendString(b, k), ':')
		var err error
		if b, err = appendCanonical(b, m[k], depth+1); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

// sortedKeys gives the keys of m by code point, which is the byte order of UTF-8.
func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// appendNumber writes a number token: an integer as it is, a float in its shortest form.
func appendNumber(b []byte, text string) ([]byte, error) {
	switch text {
	case "NaN", "Infinity", "-Infinity":
		return append(b, text...), nil
	case "-0":
		return append(b, '0'), nil
	}
	p := parser{text: []byte(text)}
	if text == "" || text[0] != '-' && (text[0] < '0' || text[0] > '9') {
		return nil, fmt.Errorf("%q is no number", text)
	}
	if _, err := p.number(); err != nil || p.pos < len(text) {
		return nil, fmt.Errorf("%q is no number", text)
	}
	if !strings.ContainsAny(text, ".eE") {
		return append(b, text...), nil
	}
	f, _ := strconv.ParseFloat(text, 64) // the only error left is the range, and then f is ±Inf as Python has it
	return appendFloat(b, f), nil
}

// appendFloat writes f as Python's repr does: positional from 1e-4 up to 1e16, otherwise scientific.
func appendFloat(b []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(b, "NaN"...)
	case math.IsInf(f, 1):
		return append(b, "Infinity"...)
	case math.IsInf(f, -1):
		return append(b, "-Infinity"...)
	}
	start := len(b)
	b = strconv.AppendFloat(b, f, 'e', -1, 64)
	e := strings.LastIndexByte(string(b[start:]), 'e')
	if exponent, err := strconv.Atoi(string(b[start+e+1:])); err != nil || exponent < -4 || exponent >= 16 {
		return b
	}
	b = strconv.AppendFloat(b[:start], f, 'f', -1, 64)
	if !strings.Contains(string(b[start:]), ".") {
		b = append(b, ".0"...)
	}
	return b
}

const hexDigits = "0123456789abcdef"

func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	for i := 0; i < len(s); {
		if n := plainBytes(s[i:]); n > 0 {
			b = append(b, s[i:i+n]...)
			i += n
			continue
		}
		c := s[i]
		if c >= utf8.RuneSelf {
			if cap(b)-len(b) < 6 { // two bytes become six; to grow step by step would copy a long text many times
				b = slices.Grow(b, 3*(len(s)-i))
			}
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
		} else {
			b = appendUnit(b, rune(c))
		}
	}
	return append(b, '"')
}

// plainBytes counts the bytes at the beginning of s that stand for themselves in a JSON string.
func plainBytes(s string) (n int) {
	for n < len(s) && s[n] >= 0x20 && s[n] < 0x7F && s[n] != '"' && s[n] != '\\' {
		n++
	}
	return n
}

// surrogate decodes the three bytes of a lone surrogate (WTF-8); anything else is one bad byte.
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
