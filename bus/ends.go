package bus

import (
	"bytes"
	"cmp"
	"errors"
)

// A payload that is large, or holds many values, would keep all others waiting if it were read whole. Of such a one
// only the ends are read, where the envelope's small fields stand: fedmsg sorts them, so that some come before msg and
// some after it. What lies between is kept as it came and not looked at, not even whether it is JSON.

// maxEnd is how many bytes are read at each end.
const maxEnd = 64 << 10

// errTooMuch says that a payload costs more to read than MaxRead.
var errTooMuch = errors.New("it has too many values")

// envelopeFields are the fields that are read at the ends.
var envelopeFields = map[string]bool{
	"topic": true, "msg": true, "body": true, "msg_id": true, "id": true, "timestamp": true, "i": true, "seq_id": true,
	"username": true, "headers": true, "crypto": true, "signature": true, "certificate": true,
}

// readEnds reads the fields in so many bytes at both ends of an object. unread is the name of the first field that it
// did not read.
func readEnds(payload []byte, end int) (e jsonObject, unread string, err error) {
	e = jsonObject{}
	p := parser{text: payload[:min(len(payload), end)], left: MaxRead}
	if p.peek() != '{' {
		return nil, "", p.problem("no object")
	}
	p.pos++
	for unread == "" {
		key, value, whole, err := p.field()
		if err != nil {
			return nil, "", err
		}
		if !whole {
			if unread = cmp.Or(key, "the rest"); key != "" {
				e[key] = nil
			}
			break
		}
		if err := e.read(key, value, &unread); err != nil {
			return nil, "", err
		}
		if p.peek() == '}' {
			return e, cmp.Or(unread, key), p.end(payload)
		}
		p.pos++ // the comma
	}
	return e, unread, e.readTail(payload[p.pos:], end)
}

// field finds the next field and the text of its value. Not whole: the value goes on beyond the text.
func (p *parser) field() (key string, value []byte, whole bool, err error) {
	p.space()
	if ahead := *p; p.peek() == 0 || p.peek() == '"' && !ahead.skipString() {
		return "", nil, false, nil // the text ends before the key or within it
	}
	if p.peek() != '"' {
		return "", nil, false, p.problem("expected a key")
	}
	if key, err = p.str(); err != nil {
		return "", nil, false, err
	}
	if p.peek() == 0 {
		return "", nil, false, nil
	}
	if p.peek() != ':' {
		return "", nil, false, p.problem("expected a colon")
	}
	p.pos++
	p.space()
	start := p.pos
	if !p.skip() || p.peek() != ',' && p.peek() != '}' {
		p.pos = start
		return key, nil, false, nil
	}
	return key, trimEnd(p.text[start:p.pos]), true, nil
}

// end checks that nothing follows the object that ends here.
func (p *parser) end(payload []byte) error {
	if p.pos++; len(trimEnd(payload)) > p.pos {
		return p.problem("text after the value")
	}
	return nil
}

// read parses a value into e where it is one of the envelope's. One that costs too much is null, and named in unread.
func (e jsonObject) read(key string, value []byte, unread *string) error {
	if !envelopeFields[key] {
		return nil
	}
	v, err := parseWithin(value, false, MaxRead/4)
	if errors.Is(err, errTooMuch) {
		err, *unread = nil, key
	}
	e[key] = v
	return err
}

// readTail reads the fields at the end of an object, from its last byte back. Of equal keys the last counts, so what is
// found here replaces what stands before. In JSON the way back is as certain as the way on: a quotation mark is that of
// a string's begin or end unless an odd number of backslashes precedes it.
func (e jsonObject) readTail(text []byte, end int) error {
	cut := len(text) > end // then what text begins with may be a part of something
	text = trimEnd(text[max(0, len(text)-end):])
	if len(text) == 0 || text[len(text)-1] != '}' {
		return errors.New("JSON: no } at the end")
	}
	seen := map[string]bool{}
	for {
		text = trimEnd(text[:len(text)-1])
		start := valueStart(text)
		before := trimEnd(text[:max(start, 0)])
		if start < 0 || len(before) == 0 || before[len(before)-1] != ':' {
			return nil // within what is not read
		}
		value := text[start:]
		before = trimEnd(before[:len(before)-1])
		if start = stringStart(before); start < 0 || start == 0 && cut {
			return nil
		}
		if text = trimEnd(before[:start]); len(text) > 0 && text[len(text)-1] != ',' {
			return nil
		}
		if err := e.readOnce(before[start:], value, seen); err != nil {
			return err
		}
		if len(text) == 0 {
			return nil
		}
	}
}

// readOnce reads a field where it is one of the envelope's and was not seen before.
func (e jsonObject) readOnce(key, value []byte, seen map[string]bool) error {
	if bytes.IndexByte(key, '\\') < 0 && !envelopeFields[string(key[1:len(key)-1])] {
		return nil
	}
	name, err := parseWithin(key, false, MaxRead)
	if err != nil || seen[name.(string)] {
		return err
	}
	seen[name.(string)] = true
	return e.read(name.(string), value, new(string))
}

func trimEnd(text []byte) []byte { return bytes.TrimRight(text, " \t\r\n") }

// valueStart is where the value begins with which text ends; -1 where that is not to be seen.
func valueStart(text []byte) int {
	i := len(text) - 1
	if i < 0 {
		return -1
	}
	switch text[i] {
	case '"':
		return stringStart(text)
	case '}', ']':
		return bracketStart(text)
	}
	for i >= 0 && isScalar(text[i]) {
		i--
	}
	return i + 1
}

// isScalar reports the bytes of numbers and literals.
func isScalar(c byte) bool {
	return isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'z' || c == '.' || c == '+' || c == '-'
}

// bracketStart is where the list or object begins with which text ends.
func bracketStart(text []byte) int {
	depth := 0
	for i := len(text) - 1; i >= 0; i-- {
		switch text[i] {
		case '}', ']':
			depth++
		case '{', '[':
			if depth--; depth == 0 {
				return i
			}
		case '"':
			if i = stringStart(text[:i+1]); i < 0 {
				return -1
			}
		}
	}
	return -1
}

// stringStart is where the string begins with whose closing quotation mark text ends.
func stringStart(text []byte) int {
	if len(text) == 0 || text[len(text)-1] != '"' {
		return -1
	}
	for i := len(text) - 1; ; {
		if i = bytes.LastIndexByte(text[:i], '"'); i < 0 {
			return -1
		}
		first := i
		for first > 0 && text[first-1] == '\\' {
			first--
		}
		if (i-first)%2 == 0 {
			if first == 0 && i > 0 {
				return -1 // more backslashes may precede
			}
			return i
		}
	}
}
