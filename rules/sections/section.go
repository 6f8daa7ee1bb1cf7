package sections

import (
	"encoding/binary"
	"fmt"
)

// A Section is one that was read, and what of its content is still to be read. The first error stays, and what is read
// behind it is nothing.
type Section struct {
	Kind   byte
	name   string // of the kind
	number int
	rest   []byte
	whole  []byte // what rest was
	err    error
}

// Err is the first error.
func (s *Section) Err() error { return s.err }

// Wrong notes what is wrong, if nothing was before, and gives the first error.
func (s *Section) Wrong(format string, args ...any) error {
	if s.err == nil {
		s.err = fmt.Errorf("%w: section %d (%s): %s", ErrDamaged, s.number, s.name, fmt.Sprintf(format, args...))
		s.rest = nil
	}
	return s.err
}

// Len is how many bytes are left; none when something was wrong.
func (s *Section) Len() int { return len(s.rest) }

// Number reads a number.
func (s *Section) Number() uint64 {
	if len(s.rest) > 0 && s.rest[0] < 0x80 {
		n := uint64(s.rest[0])
		s.rest = s.rest[1:]
		return n
	}
	n, size := binary.Uvarint(s.rest)
	if size <= 0 {
		s.Wrong("ends within a number")
		return 0
	}
	s.rest = s.rest[size:]
	return n
}

// Below reads a number that must be less than limit.
func (s *Section) Below(limit int) uint32 {
	n := s.Number()
	if s.err == nil && n >= uint64(limit) {
		s.Wrong("%d where only %d are known", n, limit)
	}
	if s.err != nil {
		return 0
	}
	return uint32(n)
}

// Count reads how many things there are, of which limit are possible.
func (s *Section) Count(limit int) int { return int(s.Below(limit + 1)) }

// Items reads how many things follow, of which each takes a byte at least.
func (s *Section) Items() int {
	n := s.Number()
	if n > uint64(len(s.rest)) {
		s.Wrong("tells of %d things and has %d bytes", n, len(s.rest))
	}
	if s.err != nil {
		return 0
	}
	return int(n)
}

// Byte reads a byte.
func (s *Section) Byte() byte {
	if len(s.rest) == 0 {
		s.Wrong("ends too early")
		return 0
	}
	b := s.rest[0]
	s.rest = s.rest[1:]
	return b
}

// Text reads a text.
func (s *Section) Text() string {
	n := s.Items()
	t := string(s.rest[:n])
	s.rest = s.rest[n:]
	return t
}

// Texts reads texts.
func (s *Section) Texts() []string {
	var list []string
	for range s.Items() {
		list = append(list, s.Text())
	}
	return list
}
