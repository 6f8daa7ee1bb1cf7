package loading

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
)

// A scanner knows how deep in objects and lists a text of JSON is.
type scanner struct {
	depth           int
	quoted, escaped bool
}

// step takes the next byte.
func (s *scanner) step(c byte) {
	switch {
	case s.escaped:
		s.escaped = false
	case s.quoted:
		s.escaped = c == '\\'
		s.quoted = c != '"'
	case c == '"':
		s.quoted = true
	case c == '{' || c == '[':
		s.depth++
	case c == '}' || c == ']':
		s.depth--
	}
}

// A splitter takes values apart that follow each other, or stand in a list.
type splitter struct {
	scanner
	part  []byte // of a value; as much of it as may be
	long  bool
	stray bool // it is no object
	lists int  // how many are open around the values
}

// values reads the objects of a list, or objects one after the other, over any number of lines. Whatever else stands
// between them is a text that is no message; it ends with its line.
func (i *input) values(ctx context.Context, in *bufio.Reader) error {
	i.start("value")
	v := &splitter{}
	for number := int64(1); ; {
		c, err := in.ReadByte()
		switch {
		case errors.Is(err, io.EOF) && len(v.part) > 0: // it was cut off
			return i.add(ctx, v.part, number, v.long)
		case errors.Is(err, io.EOF) && v.lists > 0:
			return io.ErrUnexpectedEOF
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		whole, again := v.take(c)
		if whole {
			if err := i.add(ctx, v.part, number, v.long); err != nil {
				return err
			}
			v.part, v.long, v.stray = v.part[:0], false, false
			i.whole, number = number, number+1
		}
		if again {
			v.take(c)
		}
	}
}

// take takes the next byte. whole: a value is. again: the byte does not belong to it, and is to be taken once more.
func (v *splitter) take(c byte) (whole, again bool) {
	switch {
	case v.stray && v.quoted && c != '\n':
		v.step(c)
	case v.stray && bytes.IndexByte([]byte(",[]{\n"), c) >= 0:
		v.quoted, v.escaped = false, false
		return true, true
	case v.stray && c == '"':
		v.step(c)
	case v.stray:
	case v.depth > 0 || c == '{':
		v.step(c)
	case c == '[':
		v.lists++
		return false, false
	case c == ']':
		v.lists--
		return false, false
	case bytes.IndexByte([]byte(", \t\r\n"), c) >= 0:
		return false, false
	default:
		v.stray = true
		if c == '"' {
			v.step(c)
		}
	}
	if len(v.part) == maxText {
		v.part, v.long = v.part[:1], true // some of it: that there is a value
	}
	if !v.long {
		v.part = append(v.part, c)
	}
	return !v.stray && v.depth == 0, false
}
