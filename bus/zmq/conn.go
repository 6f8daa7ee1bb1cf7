package zmq

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"
)

// A zmtpConn is the connection that the codec reads and writes. It does what the codec does not: deadlines for the
// handshake, for a message that has begun and for every write; a bound on a message before memory for it is allocated;
// heartbeats (ZeroMQ RFC 37), with an end of the connection when the peer does not answer; large reads. One goroutine
// may Read, any number may write.
type zmtpConn struct {
	net.Conn
	limits    limits
	room      *room // for messages that are being read; nil: as much as limits allow
	now       func() time.Time
	in        *bufio.Reader
	inFraming framing

	handshakeBy  time.Time // the deadline of the handshake; zero once it is done
	lastByte     time.Time // when a byte came last
	lastMessage  time.Time // when a message ended last; before the first, when the handshake did
	messageBegan time.Time // when the message or command that is being read began
	unanswered   int       // PINGs since lastByte
	lastPing     time.Time // when the last one of them was sent
	broken       error     // a bound was broken, and every further Read fails
	floodSince   time.Time // the begin of the interval in which commands are counted
	floodBase    uint64    // how many commands had come by then

	writing    sync.Mutex // held while a whole part or message is written
	pending    []byte     // what the codec has written of a part: it writes its header and its body one by one
	outFraming framing
	greeted    int // bytes of our greeting that are written
}

// limits are the bounds of a zmtpConn. A duration of zero is no bound.
type limits struct {
	message    uint64 // bytes of a message, each part counting partCost more
	handshake  time.Duration
	write      time.Duration
	oneMessage time.Duration // from the first to the last byte of a message
	heartbeat  time.Duration // silence before a PING
	silence    time.Duration // without a message, whatever else comes
}

// The ways in which a peer breaks a bound. None is a net.Error: the codec would wait on after the timeout of one.
var (
	errHandshake = errors.New("handshake took too long")
	errDead      = errors.New("peer is silent and answers no PING")
	errStalled   = errors.New("message begun and not ended in time")
	errSilent    = errors.New("no message for longer than configured")
	errFlood     = errors.New("too many commands")
)

// A peer may send floodLimit commands in floodTime: each PING costs an answer.
const (
	floodLimit = 1000
	floodTime  = 10 * time.Second
)

// handshakeSize bounds the commands of the handshake, in bytes: READY has some 40.
const handshakeSize = 8 << 10

func newZMTPConn(c net.Conn, l limits, now func() time.Time) *zmtpConn {
	return &zmtpConn{
		Conn: c, limits: l, now: now, in: bufio.NewReaderSize(c, 64<<10),
		handshakeBy: now().Add(l.handshake),
		inFraming:   framing{max: handshakeSize, skip: greetingSize},
		outFraming:  framing{max: 1 << 62, skip: greetingSize},
	}
}

// handshakeDone replaces the bounds of the handshake by those of messages.
func (c *zmtpConn) handshakeDone() {
	c.handshakeBy = time.Time{}
	c.lastByte, c.lastMessage = c.now(), c.now()
	c.inFraming.max = c.limits.message
}

// Read looks at every header before the codec does. Once a bound is broken it fails for ever.
func (c *zmtpConn) Read(p []byte) (int, error) {
	for {
		if c.broken != nil {
			return 0, c.broken
		}
		var at time.Time
		var due error
		if c.in.Buffered() == 0 {
			at, due = c.deadline()
			if err := c.Conn.SetReadDeadline(at); err != nil {
				return 0, err
			}
		}
		n, err := c.in.Read(p)
		switch {
		case n > 0:
			if c.broken = c.track(p[:n]); c.broken != nil {
				return 0, c.broken // not n as well: the codec would use those bytes and not see the error
			}
			return n, nil
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return 0, err
		}
		if late := c.now().Sub(at); late > stopped {
			c.excuse(late + stopped)
			continue
		}
		if due != nil {
			return 0, due
		}
		c.unanswered++
		c.lastPing = c.now()
		if _, err := c.writeWhole(ping); err != nil {
			return 0, err
		}
	}
}

// deadline gives the time until which the next read may wait, and the error by which it then fails; a nil error is the
// time for a PING.
func (c *zmtpConn) deadline() (time.Time, error) {
	if !c.handshakeBy.IsZero() {
		return c.handshakeBy, errHandshake
	}
	var at time.Time
	var due error
	sooner := func(d time.Duration, from time.Time, err error) {
		if t := from.Add(d); d > 0 && (at.IsZero() || t.Before(at)) {
			at, due = t, err
		}
	}
	switch c.unanswered {
	case 0:
		sooner(c.limits.heartbeat, c.lastByte, nil)
	case maxUnanswered:
		sooner(c.limits.heartbeat, c.lastPing, errDead)
	default:
		sooner(c.limits.heartbeat, c.lastPing, nil)
	}
	sooner(c.limits.silence, c.lastMessage, errSilent)
	if c.inFraming.inside() {
		sooner(c.limits.oneMessage, c.messageBegan, errStalled)
	}
	return at, due
}

// track notes what was read.
func (c *zmtpConn) track(b []byte) error {
	midway, done := c.inFraming.inside(), c.inFraming.messages
	if err := c.inFraming.advance(b); err != nil {
		return err
	}
	waited, err := c.room.take(c.inFraming.size, c.limits.oneMessage)
	if err != nil {
		return err
	}
	c.lastByte, c.unanswered = c.now(), 0
	if !midway || waited {
		c.messageBegan = c.lastByte
	}
	if done != c.inFraming.messages {
		c.lastMessage = c.lastByte
	}
	if c.lastByte.Sub(c.floodSince) > floodTime {
		c.floodSince, c.floodBase = c.lastByte, c.inFraming.commands
	}
	if c.inFraming.commands-c.floodBase > floodLimit {
		return errFlood
	}
	return nil
}

// ping is the command PING (ZeroMQ RFC 37), without a time to live and without a context.
var ping = []byte{flagCommand, 7, 4, 'P', 'I', 'N', 'G', 0, 0}

// Write collects what the codec writes until a part is complete and writes it at once: a PONG of the codec must
// not tear the message of another goroutine. Byte 8 of the greeting becomes 1, as libzmq writes it, for tools that know
// only that.
func (c *zmtpConn) Write(b []byte) (int, error) {
	c.pending = append(c.pending, b...)
	if c.greeted == 0 && len(c.pending) > 8 && c.pending[0] == 0xFF {
		c.pending[8] = 1
		c.greeted = len(c.pending)
	}
	if err := c.outFraming.advance(b); err != nil {
		return 0, err
	}
	if c.outFraming.inside() {
		return len(b), nil
	}
	whole := c.pending
	c.pending = nil
	if _, err := c.writeWhole(whole); err != nil {
		return 0, err
	}
	return len(b), nil
}

// writeWhole writes b in one piece, within the deadline.
func (c *zmtpConn) writeWhole(b []byte) (int, error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	if err := c.Conn.SetWriteDeadline(c.now().Add(c.limits.write)); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}

// recovered makes an error of a panic of the codec.
func recovered(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("codec: %v", p)
	}
}
