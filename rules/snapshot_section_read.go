package rules

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
)

// A sectionReader reads sections and checks their sums.
type sectionReader struct {
	r     *bufio.Reader
	n     int
	sums  uint32
	spare chan []byte // contents that were read
}

// again lets the memory of a section be used for another. It has been read, or will not be.
func (s *sectionReader) again(c *section) {
	select {
	case s.spare <- c.whole:
	default:
	}
}

// next gives the next section. What it takes of memory is no more than what has come, and snapshotFull.
func (s *sectionReader) next() (*section, error) {
	var header [sectionHeader]byte
	if _, err := io.ReadFull(s.r, header[:]); err != nil {
		return nil, s.wrong("header", err)
	}
	c := &section{kind: header[0], number: s.n}
	length := int(binary.LittleEndian.Uint32(header[1:]))
	if length > snapshotMost {
		return nil, c.wrong("%d bytes long, which is too much", length)
	}
	select {
	case c.whole = <-s.spare:
	default:
	}
	for c.whole = c.whole[:0]; len(c.whole) < length; {
		from := len(c.whole)
		c.whole = slices.Grow(c.whole, min(length-from, 2*snapshotFull))[:min(length, from+2*snapshotFull)]
		if _, err := io.ReadFull(s.r, c.whole[from:]); err != nil {
			return nil, s.wrong(c.name(), err)
		}
	}
	c.rest = c.whole
	var sum [sectionSum]byte
	if _, err := io.ReadFull(s.r, sum[:]); err != nil {
		return nil, s.wrong(c.name(), err)
	}
	want := crc32.Update(crc32.Checksum(header[:], castagnoli), castagnoli, c.rest)
	if want != binary.LittleEndian.Uint32(sum[:]) {
		return nil, c.wrong("has another checksum")
	}
	s.n++
	if c.kind != sectionEnd {
		s.sums = crc32.Update(s.sums, castagnoli, sum[:])
	}
	return c, nil
}

func (s *sectionReader) wrong(where string, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: ends in section %d (%s)", errCorrupt, s.n, where)
	}
	return fmt.Errorf("read section %d (%s): %w", s.n, where, err)
}

// end checks the last section, behind which nothing may come.
func (s *sectionReader) end(c *section) error {
	n := c.count(s.n)
	if len(c.rest) != sectionSum || n != s.n-1 || binary.LittleEndian.Uint32(c.rest) != s.sums {
		return c.wrong("sections are missing or have another order")
	}
	if _, err := s.r.ReadByte(); !errors.Is(err, io.EOF) {
		return c.wrong("something comes behind it")
	}
	return nil
}
