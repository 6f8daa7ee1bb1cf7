package bus

import (
	"unicode/utf16"
	"unicode/utf8"
)

func (p *parser) str() (string, error) {
	p.pos++
	start := p.pos
	p.plain()
	if p.pos == len(p.text) {
		return "", p.problem("string without end")
	}
	switch p.text[p.pos] {
	case '"':
		s := string(p.text[start:p.pos])
		p.pos++
		return s, nil
	case '\\':
		return p.escaped(start)
	}
	return "", p.problem("control character in a string")
}

// plain moves to the next byte of a string that does not stand for itself, or to the end.
func (p *parser) plain() {
	text := p.text[p.pos:]
	for i, c := range text {
		if c < 0x20 || c == '"' || c == '\\' {
			p.pos += i
			return
		}
	}
	p.pos = len(p.text)
}

// escaped reads the rest of a string that began at start, from its first escape on.
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
			start := p.pos
			p.plain()
			s = append(s, p.text[start:p.pos]...)
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

// hex gives the XXXX of \uXXXX at pos, without moving past it.
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
