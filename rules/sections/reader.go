package sections

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
)

// A Reader reads sections and checks their checksums. Sections may be used while it goes on.
type Reader struct {
	r     *bufio.Reader
	names map[byte]string
	n     int
	sums  uint32
	spare chan []byte // contents that were read
}

// NewReader reads a file; names are of kinds, for errors. It uses the memory of so many released sections again.
func NewReader(r io.Reader, names map[byte]string, spare int) *Reader {
	return &Reader{r: bufio.NewReaderSize(r, Full), names: names, spare: make(chan []byte, spare)}
}

// Magic reads the magic; it wraps ErrDamaged when there is another.
func (r *Reader) Magic(want string) error {
	magic := make([]byte, len(want))
	if _, err := io.ReadFull(r.r, magic); err != nil {
		return r.wrong("magic", err)
	}
	if string(magic) != want {
		return fmt.Errorf("%w: the file does not begin with %q", ErrDamaged, want)
	}
	return nil
}

// Next gives the next section, the last of which is of kind End.
func (r *Reader) Next() (*Section, error) {
	var head [header]byte
	if _, err := io.ReadFull(r.r, head[:]); err != nil {
		return nil, r.wrong("header", err)
	}
	s := &Section{Kind: head[0], name: r.names[head[0]], number: r.n}
	length := int(binary.LittleEndian.Uint32(head[1:]))
	if length > Most {
		return nil, s.Wrong("%d bytes long, which is too much", length)
	}
	select {
	case s.whole = <-r.spare:
	default:
	}
	for s.whole = s.whole[:0]; len(s.whole) < length; {
		from := len(s.whole)
		s.whole = slices.Grow(s.whole, min(length-from, 2*Full))[:min(length, from+2*Full)]
		if _, err := io.ReadFull(r.r, s.whole[from:]); err != nil {
			return nil, r.wrong(s.name, err)
		}
	}
	s.rest = s.whole
	var sum [sum]byte
	if _, err := io.ReadFull(r.r, sum[:]); err != nil {
		return nil, r.wrong(s.name, err)
	}
	want := crc32.Update(crc32.Checksum(head[:], castagnoli), castagnoli, s.rest)
	if want != binary.LittleEndian.Uint32(sum[:]) {
		return nil, s.Wrong("has another checksum")
	}
	r.n++
	if s.Kind != End {
		r.sums = crc32.Update(r.sums, castagnoli, sum[:])
	}
	return s, nil
}

// Release lets the memory of a section be used for another. It must not be read any more.
func (r *Reader) Release(s *Section) {
	select {
	case r.spare <- s.whole:
	default:
	}
}

// CheckEnd checks the last section, behind which nothing may come.
func (r *Reader) CheckEnd(s *Section) error {
	n := s.Count(r.n)
	if len(s.rest) != sum || n != r.n-1 || binary.LittleEndian.Uint32(s.rest) != r.sums {
		return s.Wrong("sections are missing or have another order")
	}
	if _, err := r.r.ReadByte(); !errors.Is(err, io.EOF) {
		return s.Wrong("something comes behind it")
	}
	return nil
}

func (r *Reader) wrong(where string, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: ends in section %d (%s)", ErrDamaged, r.n, where)
	}
	return fmt.Errorf("read section %d (%s): %w", r.n, where, err)
}
