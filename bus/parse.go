package bus

import (
	"errors"
	"fmt"
	"unicode/utf8"
)

// A parser reads JSON as Python's json.loads does, since the senders of the buses were tested against that: RFC 8259,
// and the literals NaN, Infinity and -Infinity. The last of equal keys counts. A control character in a string is an
// error. Depth and cost are bounded. Numbers stay text, so that 1.0 and 1 stay different.
//
// A lone surrogate (\ud83d without its other half) is no character. With exact set it becomes the three bytes that
// UTF-8 would give it (WTF-8), as canonical JSON needs, and NaN stays a number. Without, the surrogate becomes U+FFFD,
// and NaN, Infinity and -Infinity become null, so that a Message holds valid text and valid JSON only.
type parser struct {
	text  []byte
	pos   int
	left  int // how much may still be read: see MaxRead
	exact bool
}

// What a value costs beside its bytes, in bytes that cost as much to read and to hash.
const (
	valueCost = 32
	keyCost   = 96
	floatCost = 96
)

// parseJSON reads exactly one JSON value from text, which must be UTF-8.
func parseJSON(text []byte, exact bool) (any, error) { return parseWithin(text, exact, maxParsed) }

// maxParsed bounds what the tools read.
const maxParsed = 64 << 20

// parseWithin is parseJSON within a bound on what it costs: errTooMuch beyond it.
func parseWithin(text []byte, exact bool, most int) (any, error) {
	if !utf8.Valid(text) {
		return nil, errors.New("not UTF-8")
	}
	p := parser{text: text, left: most - len(text), exact: exact}
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

// peek skips white space and gives the next byte without reading it; 0 at the end.
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
	if p.left -= valueCost; p.left < 0 {
		return nil, errTooMuch
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
	return p.literal()
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
		p.left -= keyCost
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
