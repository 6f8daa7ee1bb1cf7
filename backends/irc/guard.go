package irc

import (
	"bufio"
	"bytes"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/ergochat/irc-go/ircmsg"
)

// maxLine is the longest line read: 8191 bytes of tags (IRCv3 message-tags) and 512 of message.
const maxLine = 8191 + 512

var errLineTooLong = errors.New("the server sent a line without an end")

// A guard stands between the socket and the library, which keeps what a server tells it without a bound of its own. It
// lets through only what the library can bear: whole lines of bounded length without NUL, as many of them as an
// allowance permits, and batches (IRCv3 batch) that end. A server that says more loses the connection.
type guard struct {
	net.Conn
	in        *bufio.Reader
	rest      []byte // of the line being handed out
	batches   batches
	mu        sync.Mutex
	allowance *allowance
	why       error // the connection was cut off
}

func newGuard(c net.Conn, perSecond float64) *guard {
	return &guard{
		Conn: c, in: bufio.NewReaderSize(c, maxLine), batches: batches{open: map[string]bool{}},
		allowance: newAllowance(perSecond),
	}
}

// Read implements io.Reader. One goroutine at a time, as the library does.
func (g *guard) Read(p []byte) (int, error) {
	for len(g.rest) == 0 {
		line, err := g.in.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			return 0, g.cut(errLineTooLong)
		}
		if err != nil {
			return 0, err
		}
		if err := g.check(line, time.Now()); err != nil {
			return 0, g.cut(err)
		}
		if bytes.IndexByte(line, 0) < 0 {
			g.rest = line
		}
	}
	n := copy(p, g.rest)
	g.rest = g.rest[n:]
	return n, nil
}

// check counts a line. It reads it with the library's own parser: two that differ would let something by.
func (g *guard) check(line []byte, now time.Time) error {
	m, err := ircmsg.ParseLine(string(line))
	if err != nil {
		m = ircmsg.Message{} // the library skips the line
	}
	g.mu.Lock()
	err = g.allowance.spend(m.Command, len(line), now)
	g.mu.Unlock()
	if err != nil {
		return err
	}
	return g.batches.count(m, len(line))
}

// registered says that the library has ended the registration, after which it keeps less.
func (g *guard) registered() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.allowance.refills = true
}

func (g *guard) cut(err error) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.why = err
	return err
}

// cause gives why the guard has cut the connection off; nil when it has not.
func (g *guard) cause() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.why
}
