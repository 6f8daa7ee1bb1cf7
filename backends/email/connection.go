package email

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/wneessen/go-mail/smtp"
)

// connection is one SMTP session.
type connection struct {
	session   *smtp.Client
	mu        sync.Mutex // guards raw
	raw       net.Conn
	secrets   []string // what no error may contain
	sent      int
	idleSince time.Time
}

// result is what came of sending one message on one connection.
type result struct {
	err      error
	alive    bool   // the connection may carry another message
	stale    bool   // the connection was dead before the message was handed over: another one deserves a try
	refused  bool   // the server has ended the connection, and none of the message is there: it may not like so many
	tooMuch  bool   // the server says that we send too much at once
	code     int    // of the reply that refused it; 0: there was none
	response string // the server's words when it took the message
}

// send hands the message over. The end of ctx closes the connection.
func (c *connection) send(ctx context.Context, e envelope, content []byte, timeout time.Duration) result {
	used := c.sent > 0
	stop := context.AfterFunc(ctx, c.close)
	response, failed := c.exchange(e, content, timeout)
	alive := stop()
	c.sent++
	if failed == nil {
		return result{alive: alive, response: response}
	}
	if !alive {
		return result{err: ctx.Err()}
	}
	return result{
		err:     c.sendError(failed, e.to),
		code:    failed.code,
		alive:   failed.isInOrder(),
		stale:   used && (failed.code == 0 || failed.code == 421) && failed.isBeforeContent(),
		refused: !used && failed.code == 421 && failed.isBeforeContent(),
		tooMuch: isTooMuch(failed) || failed.code == 421 && time.Since(c.idleSince) < idleLong,
	}
}

// idleLong is how long a connection was idle when a 421 is about that, and not about how much we send.
const idleLong = 2 * time.Second

func (c *connection) setRaw(raw net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.raw = raw
}

// close closes the connection without QUIT. Any goroutine may call it.
func (c *connection) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.raw != nil {
		c.raw.Close()
	}
}

// quit ends the session as RFC 5321 wants it, within a second.
func (c *connection) quit() {
	c.session.UpdateDeadline(time.Second)
	c.session.Quit()
	c.close()
}

// maxReply is how many bytes a server may send between two of our commands. A TLS handshake is the longest honest case.
const maxReply = 256 << 10

var errTalkative = errors.New("the server sends without end")

// boundedConn ends a connection whose other side sends more than maxReply without waiting for us.
type boundedConn struct {
	net.Conn
	left int
}

func (c *boundedConn) Read(b []byte) (int, error) {
	if c.left <= 0 {
		return 0, errTalkative
	}
	n, err := c.Conn.Read(b[:min(len(b), c.left)])
	c.left -= n
	return n, err
}

func (c *boundedConn) Write(b []byte) (int, error) {
	c.left = maxReply
	return c.Conn.Write(b)
}
