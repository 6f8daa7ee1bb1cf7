package bus

import "encoding/json"

// literals are the values that are written as a name.
var literals = []struct {
	text   string
	v      any
	number bool // not in RFC 8259, but Python writes it
}{
	{"true", true, false}, {"false", false, false}, {"null", nil, false},
	{"NaN", json.Number("NaN"), true}, {"Infinity", json.Number("Infinity"), true},
}

func (p *parser) literal() (any, error) {
	for _, w := range literals {
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
			v, err := p.literal()
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
		p.left -= floatCost
		p.pos++
		if !p.digits() {
			return nil, p.problem("expected a digit")
		}
	}
	if p.pos < len(p.text) && (p.text[p.pos] == 'e' || p.text[p.pos] == 'E') {
		p.left -= floatCost
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
