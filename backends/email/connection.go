package email

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"
)

// connection is one SMTP session.
type connection struct {
	client    *mail.Client
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
	response string // the server's words when it took the message
}

// send hands the message over. The end of ctx closes the connection.
func (c *connection) send(ctx context.Context, m *mail.Msg) result {
	used := c.sent > 0
	stop := context.AfterFunc(ctx, c.close)
	err := c.client.SendWithSMTPClient(c.session, m)
	alive := stop()
	c.sent++
	if m.IsDelivered() {
		return result{alive: alive && err == nil, response: m.ServerResponse()}
	}
	if !alive {
		return result{err: ctx.Err()}
	}
	var failure *mail.SendError
	if !errors.As(err, &failure) {
		return result{err: fmt.Errorf("bug: go-mail reports neither delivery nor failure: %w", err)}
	}
	code := failure.ErrorCode()
	return result{
		err:   c.sendError(failure),
		alive: isInOrder(failure),
		stale: used && (code == 0 || code == 421) && isBeforeContent(failure),
	}
}

// isBeforeContent reports failures before the first byte of the message, so that sending it again cannot make two.
func isBeforeContent(f *mail.SendError) bool {
	switch f.Reason {
	case mail.ErrConnCheck, mail.ErrSMTPMailFrom, mail.ErrSMTPRcptTo, mail.ErrSMTPData:
		return true
	default:
		return false
	}
}

// isInOrder reports a reply after which the server has forgotten the message (RFC 5321, section 4.1.1.4), so that the
// connection is good for the next one. go-mail has sent RSET after a refused MAIL or RCPT.
func isInOrder(f *mail.SendError) bool {
	if f.ErrorCode() < 400 || f.ErrorCode() == 421 {
		return false
	}
	switch f.Reason {
	case mail.ErrSMTPMailFrom, mail.ErrSMTPRcptTo, mail.ErrSMTPDataClose:
		return true
	default:
		return false
	}
}

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
