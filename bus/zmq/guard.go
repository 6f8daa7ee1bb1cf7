package zmq

import (
	"bufio"
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

// A guard is the connection that the codec is given. What the codec lacks is done here: a deadline for the handshake,
// for a message once it has begun and for every write; a bound on a message before it is allocated; PING after silence,
// and an end after silence that lasts; large reads. Only one goroutine may Read; any may write.
type guard struct {
	net.Conn
	limits limits
	now    func() time.Time
	in     *bufio.Reader
	frames framing

	handshake time.Time // until then the handshake must have ended; zero once it has
	heard     time.Time // when a byte last came
	ended     time.Time // when a message last ended, or the handshake
	began     time.Time // when the message or command under way began
	pinged    int       // PINGs since heard
	failed    error     // a bound was broken
	window    time.Time // since then the peer has sent the commands over windowed
	windowed  uint64

	out     sync.Mutex // held while a whole frame or message is written
	partial []byte     // what the codec has written of a frame: it writes header and body one by one
	outward framing
	greeted int // bytes of our greeting that are out
}

// limits are a guard's bounds. Zero durations: no such bound.
type limits struct {
	message   uint64
	handshake time.Duration
	write     time.Duration
	whole     time.Duration // for a message once begun
	heartbeat time.Duration // silence before a PING
	silence   time.Duration // time without a message
}

// The ways in which a peer fails. None is a net.Error, whose timeouts the codec would take for a pause.
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

// handshakeFrame is what a frame may have during the handshake: READY has some 40 bytes.
const handshakeFrame = 8 << 10

func newGuard(c net.Conn, l limits, now func() time.Time) *guard {
	return &guard{
		Conn: c, limits: l, now: now, in: bufio.NewReaderSize(c, 64<<10),
		handshake: now().Add(l.handshake),
		frames:    framing{max: handshakeFrame, pass: greetingSize},
		outward:   framing{max: 1 << 62, pass: greetingSize},
	}
}

// ready ends the handshake: from now on the bounds of messages hold.
func (g *guard) ready() {
	g.handshake = time.Time{}
	g.heard, g.ended = g.now(), g.now()
	g.frames.max = g.limits.message
}

// Read reads what has come, and sees every header before the codec does. Once it has failed, it fails for ever.
func (g *guard) Read(p []byte) (int, error) {
	for {
		if g.failed != nil {
			return 0, g.failed
		}
		var due error
		if g.in.Buffered() == 0 {
			var at time.Time
			at, due = g.deadline()
			if err := g.Conn.SetReadDeadline(at); err != nil {
				return 0, err
			}
		}
		n, err := g.in.Read(p)
		switch {
		case n > 0:
			if g.failed = g.take(p[:n]); g.failed != nil {
				return 0, g.failed // with n the reader would take its bytes and never see the error
			}
			return n, nil
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return 0, err
		case due != nil:
			return 0, due
		}
		g.pinged++
		if _, err := g.send(ping); err != nil {
			return 0, err
		}
	}
}

// deadline gives when the next read ends, and why; without a why it is time for a PING.
func (g *guard) deadline() (time.Time, error) {
	if !g.handshake.IsZero() {
		return g.handshake, errHandshake
	}
	var at time.Time
	var why error
	sooner := func(d time.Duration, from time.Time, err error) {
		if t := from.Add(d); d > 0 && (at.IsZero() || t.Before(at)) {
			at, why = t, err
		}
	}
	if g.pinged < misses {
		sooner(g.limits.heartbeat*time.Duration(g.pinged+1), g.heard, nil)
	} else {
		sooner(g.limits.heartbeat*time.Duration(misses+1), g.heard, errDead)
	}
	sooner(g.limits.silence, g.ended, errSilent)
	if g.frames.midway() {
		sooner(g.limits.whole, g.began, errStalled)
	}
	return at, why
}

// take follows what was read.
func (g *guard) take(b []byte) error {
	was, done := g.frames.midway(), g.frames.done
	if err := g.frames.follow(b); err != nil {
		return err
	}
	g.heard, g.pinged = g.now(), 0
	if !was {
		g.began = g.heard
	}
	if done != g.frames.done {
		g.ended = g.heard
	}
	if g.heard.Sub(g.window) > floodTime {
		g.window, g.windowed = g.heard, g.frames.cmds
	}
	if g.frames.cmds-g.windowed > floodLimit {
		return errFlood
	}
	return nil
}

// ping is the command PING (ZeroMQ RFC 37), with no time to live and no context.
var ping = []byte{flagCommand, 7, 4, 'P', 'I', 'N', 'G', 0, 0}

// Write takes what the codec writes and sends it frame by frame, each whole, so that another goroutine's message is
// never torn by a PONG. Byte 8 of the greeting becomes 1 as libzmq writes it, for tools that know only that.
func (g *guard) Write(b []byte) (int, error) {
	g.partial = append(g.partial, b...)
	if g.greeted == 0 && len(g.partial) > 8 && g.partial[0] == 0xFF {
		g.partial[8] = 1
		g.greeted = len(g.partial)
	}
	if err := g.outward.follow(b); err != nil {
		return 0, err
	}
	if g.outward.midway() {
		return len(b), nil
	}
	whole := g.partial
	g.partial = nil
	if _, err := g.send(whole); err != nil {
		return 0, err
	}
	return len(b), nil
}

// send writes b in one piece, within the deadline.
func (g *guard) send(b []byte) (int, error) {
	g.out.Lock()
	defer g.out.Unlock()
	if err := g.Conn.SetWriteDeadline(g.now().Add(g.limits.write)); err != nil {
		return 0, err
	}
	return g.Conn.Write(b)
}
