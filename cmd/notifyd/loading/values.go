package loading

import (
	"bufio"
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

// values reads the objects of a list, or objects one after the other, over any number of lines. What stands between
// them is nothing.
func (i *input) values(ctx context.Context, in *bufio.Reader) error {
	i.start("value")
	var s scanner
	var part []byte
	number, long := int64(1), false
	for {
		c, err := in.ReadByte()
		if errors.Is(err, io.EOF) {
			if s.depth > 0 { // it was cut off
				return i.add(ctx, part, number, long)
			}
			return nil
		}
		if err != nil {
			return err
		}
		if s.depth == 0 && c != '{' { // between values, or the list around them
			continue
		}
		s.step(c)
		if len(part) == maxText {
			part, long = part[:0], true
		}
		if !long {
			part = append(part, c)
		}
		if s.depth > 0 {
			continue
		}
		if err := i.add(ctx, part, number, long); err != nil {
			return err
		}
		part, long, number = part[:0], false, number+1
	}
}
