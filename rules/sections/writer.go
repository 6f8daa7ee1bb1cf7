package sections

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
)

// A Writer writes sections. The first error stays, and nothing is written behind it.
type Writer struct {
	w    io.Writer
	kind byte
	buf  []byte // the section that is being filled, with its header; empty: there is none
	n    int    // sections written
	sums uint32
	err  error
}

// NewWriter writes the magic, and begins a file behind it.
func NewWriter(w io.Writer, magic string) *Writer {
	_, err := io.WriteString(w, magic)
	return &Writer{w: w, err: err}
}

// Err is the first error.
func (w *Writer) Err() error { return w.err }

// Begin ends the section before and begins one.
func (w *Writer) Begin(kind byte) {
	w.end()
	w.kind, w.buf = kind, append(w.buf[:0], kind, 0, 0, 0, 0)
}

// Continue ends a section that is Full and begins another of its kind. It says so: what refers to what stands before it
// in the section must begin anew.
func (w *Writer) Continue() bool {
	if len(w.buf) < Full {
		return false
	}
	w.Begin(w.kind)
	return true
}

// end writes the section, if one was begun.
func (w *Writer) end() {
	if len(w.buf) == 0 {
		return
	}
	if size := len(w.buf) - header; size > Most && w.err == nil {
		w.err = fmt.Errorf("section %d is %d bytes long, and at most %d can be read", w.n, size, Most)
	}
	binary.LittleEndian.PutUint32(w.buf[1:], uint32(len(w.buf)-header))
	sum := binary.LittleEndian.AppendUint32(nil, crc32.Checksum(w.buf, castagnoli))
	w.sums = crc32.Update(w.sums, castagnoli, sum)
	if w.n++; w.err == nil {
		_, w.err = w.w.Write(append(w.buf, sum...))
	}
	w.buf = w.buf[:0]
}

// Finish writes the end of the file.
func (w *Writer) Finish() error {
	w.end()
	n, sums := w.n, w.sums
	w.Begin(End)
	w.Number(uint64(n))
	w.buf = binary.LittleEndian.AppendUint32(w.buf, sums)
	w.end()
	return w.err
}

// Byte writes a byte.
func (w *Writer) Byte(b byte) { w.buf = append(w.buf, b) }

// Number writes a number.
func (w *Writer) Number(n uint64) { w.buf = binary.AppendUvarint(w.buf, n) }

// Text writes a text.
func (w *Writer) Text(t string) {
	w.Number(uint64(len(t)))
	w.buf = append(w.buf, t...)
}

// Texts writes how many texts there are, and these.
func (w *Writer) Texts(list []string) {
	w.Number(uint64(len(list)))
	for _, t := range list {
		w.Text(t)
	}
}
