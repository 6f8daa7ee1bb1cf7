package bus

import (
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

// A parser reads JSON as Python's json.loads does, since that is what the buses' senders were tested against: RFC 8259,
// and the words NaN, Infinity and -Infinity; the last of equal keys counts; control characters in strings are errors.
// Beyond that it bounds depth and number of values, and keeps numbers as text, so that 1.0 and 1 stay different.
//
// A lone surrogate (\ud83d without its other half) is no character. With exact set it is kept as the three bytes that
// UTF-8 would give it (WTF-8), as canonical JSON needs, and NaN stays a number; without, the surrogate becomes U+FFFD
// and NaN, Infinity and -Infinity become null, so that everything above holds only valid text and valid JSON.
type parser struct {
	text  []byte
	pos   int
	left  int // values that may still come
	exact bool
}

// parseJSON reads exactly one JSON value from text, which must be UTF-8.
func parseJSON(text []byte, exact bool) (any, error) {
	if !utf8.Valid(text) {
		return nil, errors.New("not UTF-8")
	}
	p := parser{text: text, left: MaxValues, exact: exact}
	v, err := p.value(0)
	if err != nil {
		return nil, err
	}
	p.space()
	if p.pos < len(p.text) {
		return nil, p.problem("text after the value")
	}
	return v, nil
}

func (p *parser) problem(what string) error {
	return fmt.Errorf("JSON: %s at byte %d", what, p.pos)
}

func (p *parser) space() {
	for p.pos < len(p.text) {
		switch p.text[p.pos] {
		case ' ', '\t', '\n', '\r':
			p.pos++
		default:
			return
		}
	}
}

// peek gives the next byte after white space, 0 at the end.
func (p *parser) peek() byte {
	p.space()
	if p.pos == len(p.text) {
		return 0
	}
	return p.text[p.pos]
}

func (p *parser) value(depth int) (any, error) {
	if depth > MaxDepth {
		return nil, p.problem(fmt.Sprintf("nested deeper than %d", MaxDepth))
	}
	if p.left--; p.left < 0 {
		return nil, p.problem(fmt.Sprintf("more than %d values", MaxValues))
	}
	switch c := p.peek(); {
	case c == '{':
		return p.object(depth)
	case c == '[':
		return p.array(depth)
	case c == '"':
		return p.str()
	case c == '-' || c >= '0' && c <= '9':
		return p.number()
	case p.pos == len(p.text):
		return nil, p.problem("unexpected end")
	}
	return p.word()
}

func (p *parser) object(depth int) (any, error) {
	p.pos++
	m := make(map[string]any)
	if p.peek() == '}' {
		p.pos++
		return m, nil
	}
	for {
		if p.peek() != '"' {
			return nil, p.problem("expected a key")
		}
		key, err := p.str()
		if err != nil {
			return nil, err
		}
		if p.peek() != ':' {
			return nil, p.problem("expected a colon")
		}
		p.pos++
		if m[key], err = p.value(depth + 1); err != nil {
			return nil, err
		}
		switch p.peek() {
		case ',':
			p.pos++
		case '}':
			p.pos++
			return m, nil
		default:
			return nil, p.problem("expected a comma or }")
		}
	}
}

func (p *parser) array(depth int) (any, error) {
	p.pos++
	list := []any{}
	if p.peek() == ']' {
		p.pos++
		return list, nil
	}
	for {
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
		switch p.peek() {
		case ',':
			p.pos++
		case ']':
			p.pos++
			return list, nil
		default:
			return nil, p.problem("expected a comma or ]")
		}
	}
}

// words are the values that are written as a name.
var words = []struct {
	text   string
	v      any
	number bool // not in RFC 8259, but Python writes it
}{
	{"true", true, false}, {"false", false, false}, {"null", nil, false},
	{"NaN", json.Number("NaN"), true}, {"Infinity", json.Number("Infinity"), true},
}

func (p *parser) word() (any, error) {
	for _, w := range words {
		if end := p.pos + len(w.text); end <= len(p.text) && string(p.text[p.pos:end]) == w.text {
			p.pos = end
			if w.number && !p.exact {
				return nil, nil
			}
			return w.v, nil
		}
	}
	return nil, p.problem("unexpected character")
}

func (p *parser) number() (any, error) {
	start := p.pos
	if p.text[p.pos] == '-' {
		p.pos++
		if p.pos < len(p.text) && p.text[p.pos] == 'I' {
			v, err := p.word()
			if err != nil || v == nil {
				return nil, err
			}
			return json.Number("-Infinity"), nil
		}
	}
	if p.pos < len(p.text) && p.text[p.pos] == '0' {
		p.pos++
	} else if !p.digits() {
		return nil, p.problem("expected a digit")
	}
	if p.pos < len(p.text) && p.text[p.pos] == '.' {
		p.pos++
		if !p.digits() {
			return nil, p.problem("expected a digit")
		}
	}
	if p.pos < len(p.text) && (p.text[p.pos] == 'e' || p.text[p.pos] == 'E') {
		p.pos++
		if p.pos < len(p.text) && (p.text[p.pos] == '+' || p.text[p.pos] == '-') {
			p.pos++
		}
		if !p.digits() {
			return nil, p.problem("expected a digit")
		}
	}
	return json.Number(p.text[start:p.pos]), nil
}

func (p *parser) digits() bool {
	start := p.pos
	for p.pos < len(p.text) && p.text[p.pos] >= '0' && p.text[p.pos] <= '9' {
		p.pos++
	}
	return p.pos > start
}

func (p *parser) str() (string, error) {
	p.pos++
	start := p.pos
	for p.pos < len(p.text) {
		switch c := p.text[p.pos]; {
		case c == '"':
			s := string(p.text[start:p.pos])
			p.pos++
			return s, nil
		case c == '\\':
			return p.escaped(start)
		case c < 0x20:
			return "", p.problem("control character in a string")
		}
		p.pos++
	}
	return "", p.problem("string without end")
}

// escaped reads on a string that has escapes, from its first one.
func (p *parser) escaped(start int) (string, error) {
	s := append([]byte(nil), p.text[start:p.pos]...)
	for p.pos < len(p.text) {
		c := p.text[p.pos]
		switch {
		case c == '"':
			p.pos++
			return string(s), nil
		case c < 0x20:
			return "", p.problem("control character in a string")
		case c != '\\':
			s = append(s, c)
			p.pos++
			continue
		}
		var err error
		if s, err = p.escape(s); err != nil {
			return "", err
		}
	}
	return "", p.problem("string without end")
}

func (p *parser) escape(s []byte) ([]byte, error) {
	if p.pos+1 == len(p.text) {
		return nil, p.problem("string without end")
	}
	c := p.text[p.pos+1]
	switch c {
	case '"', '\\', '/':
	case 'b':
		c = '\b'
	case 'f':
		c = '\f'
	case 'n':
		c = '\n'
	case 'r':
		c = '\r'
	case 't':
		c = '\t'
	case 'u':
		return p.unicode(s)
	default:
		return nil, p.problem("unknown escape")
	}
	p.pos += 2
	return append(s, c), nil
}

func (p *parser) unicode(s []byte) ([]byte, error) {
	r, ok := p.hex()
	if !ok {
		return nil, p.problem("expected four hexadecimal digits")
	}
	p.pos += 6
	if !utf16.IsSurrogate(r) {
		return utf8.AppendRune(s, r), nil
	}
	if low, ok := p.hex(); ok {
		if both := utf16.DecodeRune(r, low); both != utf8.RuneError {
			p.pos += 6
			return utf8.AppendRune(s, both), nil
		}
	}
	if p.exact {
		return append(s, 0xE0|byte(r>>12), 0x80|byte(r>>6)&0x3F, 0x80|byte(r)&0x3F), nil
	}
	return utf8.AppendRune(s, utf8.RuneError), nil
}

// hex reads \uXXXX at pos without moving on.
func (p *parser) hex() (rune, bool) {
	if p.pos+6 > len(p.text) || p.text[p.pos] != '\\' || p.text[p.pos+1] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range p.text[p.pos+2 : p.pos+6] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}
