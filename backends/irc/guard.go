package irc

import (
	"bufio"
	"bytes"
	"errors"
	"net"
)

const (
	// maxLine is the longest line read: 8191 bytes of tags (IRCv3 message-tags) and 512 of message.
	maxLine = 8191 + 512
	// maxBatches and maxBatched bound what the library gathers in open batches, which it does without a bound of its own.
	maxBatches = 8
	maxBatched = 500
)

var (
	errLineTooLong = errors.New("the server sent a line without an end")
	errBatches     = errors.New("the server opened more batches than it has answers to give")
)

// A guard stands between the socket and the library and lets through only what the library can bear: whole lines of
// bounded length without NUL, and batches (IRCv3 batch) neither nested deeply nor growing for ever.
type guard struct {
	net.Conn
	in      *bufio.Reader
	rest    []byte // of the line being handed out
	open    int    // batches
	batched int    // lines since none was open
}

func newGuard(c net.Conn) *guard { return &guard{Conn: c, in: bufio.NewReaderSize(c, maxLine)} }

// Read implements io.Reader. One goroutine at a time, as the library does.
func (g *guard) Read(p []byte) (int, error) {
	for len(g.rest) == 0 {
		line, err := g.in.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			return 0, errLineTooLong
		}
		if err != nil {
			return 0, err
		}
		if bytes.IndexByte(line, 0) >= 0 {
			continue
		}
		if err := g.count(line); err != nil {
			return 0, err
		}
		g.rest = line
	}
	n := copy(p, g.rest)
	g.rest = g.rest[n:]
	return n, nil
}

// count keeps the book of batches.
func (g *guard) count(line []byte) error {
	if line[0] == '@' {
		tags, rest, _ := bytes.Cut(line, []byte(" "))
		line = bytes.TrimLeft(rest, " ")
		if bytes.HasPrefix(tags, []byte("@batch=")) || bytes.Contains(tags, []byte(";batch=")) {
			g.batched++
		}
	}
	if bytes.HasPrefix(line, []byte(":")) {
		_, line, _ = bytes.Cut(line, []byte(" "))
		line = bytes.TrimLeft(line, " ")
	}
	if len(line) > 5 && bytes.EqualFold(line[:5], []byte("BATCH")) {
		switch id := bytes.TrimLeft(line[5:], " :"); {
		case bytes.HasPrefix(id, []byte("+")):
			g.open++
		case bytes.HasPrefix(id, []byte("-")) && g.open > 0:
			g.open--
		}
	}
	if g.open == 0 {
		g.batched = 0
	}
	if g.open > maxBatches || g.batched > maxBatched {
		return errBatches
	}
	return nil
}
