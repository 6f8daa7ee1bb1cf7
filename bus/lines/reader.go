package lines

import (
	"bufio"
	"errors"
	"io"

	"github.com/notifyd/notifyd/bus"
)

// maxLine bounds a line in bytes: a page of datagrepper has many messages. What is longer is read, and kept nowhere.
const maxLine = 2 * bus.MaxPayload

// A line is one line of a file.
type line struct {
	text []byte // without the line break, and nobody else's; nil where it is longer than maxLine
	from int64  // where it begins
	end  mark   // where the next one begins, and its number
}

// A lineReader gives the lines of a stream that may grow: after io.EOF there may be more.
type lineReader struct {
	in     *bufio.Reader
	mark          // behind the last whole line
	before []byte // the bytes before the mark, at most printed
	part   []byte // what is behind the mark already, at most maxLine
	length int64  // of that
}

// newLineReader reads from a mark on. before is what stands before it.
func newLineReader(in io.Reader, at mark, before []byte) *lineReader {
	return &lineReader{in: bufio.NewReaderSize(in, 64<<10), mark: at, before: before}
}

// next gives the next line that has a line break. After an error it may be asked again.
func (r *lineReader) next() (line, error) {
	for {
		piece, err := r.in.ReadSlice('\n')
		r.length += int64(len(piece))
		if r.length <= maxLine+1 {
			r.part = append(r.part, piece...)
		} else {
			r.part = append(r.part[:0:0], tail(r.part, piece)...) // for the checksum
		}
		switch {
		case err == nil:
			return r.end(true), nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return line{}, err
		}
	}
}

// rest gives what stands behind the last line break, as a line; false: nothing.
func (r *lineReader) rest() (line, bool) {
	if r.length == 0 {
		return line{}, false
	}
	return r.end(false), true
}

// read is the place up to which all is read.
func (r *lineReader) read() int64 { return r.Offset + r.length }

func (r *lineReader) end(broken bool) line {
	l := line{from: r.Offset}
	r.before = tail(r.before, r.part)
	r.Offset += r.length
	r.Line++
	r.Before, r.Sum = len(r.before), sum(r.before)
	l.end = r.mark
	if r.length <= maxLine+1 {
		if l.text = r.part; broken {
			l.text = r.part[:len(r.part)-1]
		}
		if l.text == nil {
			l.text = []byte{}
		}
	}
	r.part, r.length = nil, 0
	return l
}

// tail is the end of what two texts are together, a copy of at most printed bytes.
func tail(a, b []byte) []byte {
	if len(b) >= printed {
		return append([]byte(nil), b[len(b)-printed:]...)
	}
	a = a[max(0, len(a)+len(b)-printed):]
	return append(append(make([]byte, 0, printed), a...), b...)
}
