package loading

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/notifyd/notifyd/bus"
)

// The bounds of what is read at once. A page of datagrepper has many messages.
const (
	maxText   = 2 * bus.MaxPayload // bytes of a text; what is longer is left out
	blockSize = 256 << 10          // bytes of texts that go to a worker together
	readAhead = 1 << 20
)

// A text is what should be a message, or a page of them.
type text struct {
	bytes  []byte // nobody else's; nil where it is too long
	number int64  // of the line, or of the value
}

// A block is texts that a worker gets together.
type block struct {
	file   string
	unit   string // what number counts: line, or value
	texts  []text
	frames []bus.Frame // messages of a datagrepper that was asked over HTTP, instead of texts
	size   int
}

// An input is one file that is read.
type input struct {
	name  string
	hand  func(context.Context, block) error
	next  block
	whole int64 // number of the last text that was read whole
}

// readFile reads a file, or standard input where its name is -, and hands over blocks of texts.
func readFile(ctx context.Context, name string, stdin io.Reader, hand func(context.Context, block) error) error {
	from := stdin
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return err
		}
		defer file.Close()
		from = file
	}
	in, err := unpack(bufio.NewReaderSize(from, readAhead))
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	i := &input{name: name, hand: hand}
	read := i.lines
	if severalLines(in) {
		read = i.values
	}
	err = read(ctx, in)
	if wrong := i.flush(ctx); wrong != nil || err == nil {
		return wrong
	}
	return fmt.Errorf("%s, behind %s %d: %w", name, i.next.unit, i.whole, err)
}

// packers are the programs that pack files as they begin, but for gzip, which is read.
var packers = []struct{ program, magic string }{
	{"xz", "\xfd7zXZ\x00"}, {"zstd", "\x28\xb5\x2f\xfd"}, {"bzip2", "BZh"}, {"unzip", "PK\x03\x04"},
}

// unpack gives what is in a gzip, and anything else as it is.
func unpack(in *bufio.Reader) (*bufio.Reader, error) {
	magic, _ := in.Peek(6)
	for _, p := range packers {
		if bytes.HasPrefix(magic, []byte(p.magic)) {
			return nil, fmt.Errorf("packed for %s; unpack it, and import what comes out: - is standard input", p.program)
		}
	}
	if !bytes.HasPrefix(magic, []byte{0x1f, 0x8b}) {
		return in, nil
	}
	unpacked, err := gzip.NewReader(in)
	if err != nil {
		return nil, err
	}
	return bufio.NewReaderSize(unpacked, readAhead), nil
}

var byteOrderMark = []byte("\xef\xbb\xbf") // UTF-8's byte order mark, with which some programs begin a file

// severalLines reports whether the first message of a stream does not end with its line: it is a list, or indented.
func severalLines(in *bufio.Reader) bool {
	head, _ := in.Peek(readAhead)
	head = bytes.TrimLeft(bytes.TrimPrefix(head, byteOrderMark), " \t\r\n")
	if bytes.HasPrefix(head, []byte("[")) {
		return true
	}
	line, _, ended := bytes.Cut(head, []byte("\n"))
	s := scanner{}
	for _, c := range line {
		s.step(c)
	}
	return ended && bytes.HasPrefix(head, []byte("{")) && s.depth > 0 && !s.quoted
}

// lines reads a message, or a page of them, a line.
func (i *input) lines(ctx context.Context, in *bufio.Reader) error {
	i.start("line")
	number, part, long := int64(1), []byte(nil), false
	for {
		piece, err := in.ReadSlice('\n')
		switch {
		case long:
		case len(part)+len(piece) > maxText:
			part, long = nil, true
		case err != nil || len(part) > 0:
			part = append(part, piece...)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		line := piece
		if len(part) > 0 {
			line = part
		}
		if number == 1 {
			line = bytes.TrimPrefix(line, byteOrderMark)
		}
		if long {
			line = nil
		}
		if err != nil && !errors.Is(err, io.EOF) { // torn: what is left of its last line is no message
			return err
		}
		if wrong := i.add(ctx, line, number, long); wrong != nil {
			return wrong
		}
		i.whole, number, part, long = number, number+1, nil, false
		if err != nil {
			return nil
		}
	}
}

func (i *input) start(unit string) { i.next = block{file: i.name, unit: unit} }

// add adds a text, which is copied; blank ones are nothing.
func (i *input) add(ctx context.Context, line []byte, number int64, long bool) error {
	line = bytes.TrimSpace(line)
	if len(line) == 0 && !long {
		return nil
	}
	t := text{number: number}
	if !long {
		t.bytes = bytes.Clone(line)
	}
	i.next.texts = append(i.next.texts, t)
	if i.next.size += len(line); i.next.size >= blockSize {
		return i.flush(ctx)
	}
	return nil
}

func (i *input) flush(ctx context.Context) error {
	full := i.next
	i.start(full.unit)
	if len(full.texts) == 0 {
		return nil
	}
	return i.hand(ctx, full)
}
