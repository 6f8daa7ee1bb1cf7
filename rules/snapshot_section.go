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

const (
	sectionHeader = 5 // bytes before the content
	sectionSum    = 4 // and after it
)

// A sectionWriter writes sections; the first error stays.
type sectionWriter struct {
	w    io.Writer
	kind byte
	buf  []byte // of the section that is being filled, with its header
	n    int    // sections written
	sums uint32
	err  error
}

// begin ends the section before and begins one.
func (s *sectionWriter) begin(kind byte) {
	s.end()
	s.kind, s.buf = kind, append(s.buf[:0], kind, 0, 0, 0, 0)
}

// room ends a section that is full and begins another of its kind. It says so: what refers to what stands before it in
// the section must begin anew.
func (s *sectionWriter) room() bool {
	if len(s.buf) < snapshotFull {
		return false
	}
	s.begin(s.kind)
	return true
}

// end writes the section, if one was begun.
func (s *sectionWriter) end() {
	if len(s.buf) == 0 {
		return
	}
	if len(s.buf)-sectionHeader > snapshotMost {
		s.err = fmt.Errorf("section %d is %d bytes long, and at most %d can be read", s.n, len(s.buf)-sectionHeader, snapshotMost)
	}
	binary.LittleEndian.PutUint32(s.buf[1:], uint32(len(s.buf)-sectionHeader))
	sum := binary.LittleEndian.AppendUint32(nil, crc32.Checksum(s.buf, castagnoli))
	s.sums = crc32.Update(s.sums, castagnoli, sum)
	if s.n++; s.err == nil {
		_, s.err = s.w.Write(append(s.buf, sum...))
	}
	s.buf = s.buf[:0]
}

// finish writes the end of the file.
func (s *sectionWriter) finish() error {
	s.end()
	n, sums := s.n, s.sums
	s.begin(sectionEnd)
	s.number(uint64(n))
	s.buf = binary.LittleEndian.AppendUint32(s.buf, sums)
	s.end()
	return s.err
}

func (s *sectionWriter) number(n uint64) { s.buf = binary.AppendUvarint(s.buf, n) }

func (s *sectionWriter) text(t string) {
	s.number(uint64(len(t)))
	s.buf = append(s.buf, t...)
}

func (s *sectionWriter) texts(list []string) {
	s.number(uint64(len(list)))
	for _, t := range list {
		s.text(t)
	}
}

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

// A section is what is still to be read of one. The first error stays, and what is read after it is nothing.
type section struct {
	kind   byte
	number int
	rest   []byte
	whole  []byte // what rest was
	err    error
}

func (c *section) name() string {
	switch c.kind {
	case sectionHead:
		return "head"
	case sectionPredicates:
		return "predicates"
	case sectionSignatures:
		return "signatures"
	case sectionFilters:
		return "filters"
	case sectionEnd:
		return "end"
	}
	return "unknown"
}

func (c *section) wrong(format string, args ...any) error {
	if c.err == nil {
		c.err = fmt.Errorf("%w: section %d (%s): %s", errCorrupt, c.number, c.name(), fmt.Sprintf(format, args...))
		c.rest = nil
	}
	return c.err
}

// more says whether something is left and nothing was wrong.
func (c *section) more() bool { return len(c.rest) > 0 }

func (c *section) uvarint() uint64 {
	if len(c.rest) > 0 && c.rest[0] < 0x80 {
		n := uint64(c.rest[0])
		c.rest = c.rest[1:]
		return n
	}
	n, size := binary.Uvarint(c.rest)
	if size <= 0 {
		c.wrong("ends within a number")
		return 0
	}
	c.rest = c.rest[size:]
	return n
}

// below reads a number that must be less than limit.
func (c *section) below(limit int) uint32 {
	n := c.uvarint()
	if c.err == nil && n >= uint64(limit) {
		c.wrong("%d where only %d are known", n, limit)
	}
	if c.err != nil {
		return 0
	}
	return uint32(n)
}

// count reads a number of things, of which limit are possible.
func (c *section) count(limit int) int { return int(c.below(limit + 1)) }

// list reads a number of things that follow, of which each takes a byte at least.
func (c *section) list() int {
	n := c.uvarint()
	if n > uint64(len(c.rest)) {
		c.wrong("tells of %d things and has %d bytes", n, len(c.rest))
	}
	if c.err != nil {
		return 0
	}
	return int(n)
}

func (c *section) byte() byte {
	if len(c.rest) == 0 {
		c.wrong("ends too early")
		return 0
	}
	b := c.rest[0]
	c.rest = c.rest[1:]
	return b
}

func (c *section) text() string {
	n := c.list()
	t := string(c.rest[:n])
	c.rest = c.rest[n:]
	return t
}

func (c *section) texts() []string {
	var list []string
	for range c.list() {
		list = append(list, c.text())
	}
	return list
}
