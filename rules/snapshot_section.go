package rules

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
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
