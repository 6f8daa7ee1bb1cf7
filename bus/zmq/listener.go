package zmq

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/go-zeromq/zmq4"
	"github.com/go-zeromq/zmq4/security/null"
	"golang.org/x/sync/semaphore"

	"github.com/notifyd/notifyd/bus"
)

// ListenerConfig bounds a Listener. The zero value of a field means its default.
type ListenerConfig struct {
	Peers int // publishers at once; default 1000
	// Bytes is what messages over 16 KiB may take while they are read, of all publishers together; default 128 MiB. A
	// publisher whose message finds no room is made to wait.
	Bytes     int64
	Timeout   time.Duration // for the handshake and one write; default 10s
	Heartbeat time.Duration // of silence before a PING; default 10s
}

// listenedTime is how long a message may take from its first to its last byte. It is shorter than messageTime, since
// strangers share what large messages take.
const listenedTime = 30 * time.Second

func (c ListenerConfig) withDefaults() ListenerConfig {
	c.Peers = orDefault(c.Peers, 1000)
	c.Bytes = max(orDefault(c.Bytes, 128<<20), 2*bus.MaxPayload)
	c.Timeout = orDefault(c.Timeout, 10*time.Second)
	c.Heartbeat = orDefault(c.Heartbeat, 10*time.Second)
	return c
}

// A Listener is a Source to which publishers connect: a SUB socket that binds, as fedmsg's relay has. It subscribes to
// everything. What finds no room in the Intake waits in its publisher.
type Listener struct {
	*bus.Meter
	config   ListenerConfig
	name     string
	log      *slog.Logger
	now      func() time.Time
	listener net.Listener
	shared   *semaphore.Weighted
	pass     func(bus.Frame) ([]byte, error) // gives another payload, or the reason to drop the frame; may be nil
	tap      func(bus.Frame)                 // is given each frame before the Intake; nil: nobody

	mu      sync.Mutex
	peers   int
	refused uint64
}

// ListenerStats is a snapshot of a Listener's figures.
type ListenerStats struct {
	Peers   int    // connected now
	Refused uint64 // connections that failed: no handshake in time, a bound broken, or the connection lost
	bus.Traffic
}

// Listen opens the socket at addr, as Bind does. name becomes Frame.Source.
func Listen(ctx context.Context, name, addr string, c ListenerConfig, log *slog.Logger) (*Listener, error) {
	a, err := parseAddress(addr)
	if err != nil {
		return nil, err
	}
	l, err := a.listen(ctx)
	if err != nil {
		return nil, fmt.Errorf("listen at %s: %w", a, err)
	}
	c = c.withDefaults()
	return &Listener{
		Meter: bus.NewMeter(name, a.String(), log), config: c, name: name, log: log, now: time.Now, listener: l,
		shared: semaphore.NewWeighted(c.Bytes),
	}, nil
}

// Addr is the address at which l listens, in ZeroMQ's form.
func (l *Listener) Addr() string {
	a := l.listener.Addr()
	return address{a.Network(), a.String()}.String()
}

// Close closes the socket of a Listener that is not run.
func (l *Listener) Close() error { return l.listener.Close() }

// Run serves publishers until ctx ends.
func (l *Listener) Run(ctx context.Context, in *bus.Intake) error {
	defer l.Ended()
	l.Connected(true) // publishers come and go: that none is there is no loss of a connection
	a := acceptor{
		listener: l.listener, door: newDoor(l.config.Peers, l.config.Peers), log: l.log, refused: l.countRefused,
		serve: func(ctx context.Context, conn net.Conn) error { return l.serve(ctx, conn, in) },
	}
	return a.run(ctx)
}

// serve receives what one publisher sends. nil: it has closed the connection.
func (l *Listener) serve(ctx context.Context, conn net.Conn, in *bus.Intake) (err error) {
	defer recovered(&err)
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	g := newZMTPConn(conn, limits{
		message: bus.MaxPayload + framingRoom, handshake: l.config.Timeout, write: l.config.Timeout,
		oneMessage: listenedTime, heartbeat: l.config.Heartbeat,
	}, l.now)
	codec, err := zmq4.Open(g, null.Security(), zmq4.Sub, nil, true, nil)
	if err != nil {
		return fmt.Errorf("handshake: %w", err)
	}
	g.handshakeDone()
	g.room = &room{ctx: ctx, shared: l.shared}
	defer g.room.leave()
	if err := codec.SendMsg(zmq4.NewMsg([]byte{1})); err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	l.count(1)
	defer l.count(-1)
	return l.receive(ctx, codec, g, in)
}

// receive hands over messages until the publisher closes the connection, or ctx ends: what is read then of a flood, and
// not handed over, would keep Run for seconds.
func (l *Listener) receive(ctx context.Context, codec *zmq4.Conn, conn *zmtpConn, in *bus.Intake) error {
	for ctx.Err() == nil {
		m, err := codec.RecvMsg()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case m.Type != zmq4.UsrMsg:
		case len(m.Frames) != 2:
			l.Dropped(DroppedParts)
		default:
			resume := conn.pause()
			err := l.take(ctx, bus.Frame{Topic: string(m.Frames[0]), Payload: m.Frames[1]}, in)
			resume()
			if err != nil {
				return err
			}
		}
		conn.room.leave() // the Intake has bounds of its own
	}
	return nil
}

// take hands a frame on that was received.
func (l *Listener) take(ctx context.Context, f bus.Frame, in *bus.Intake) error {
	if l.pass != nil && f.OutOfBounds() == "" {
		payload, err := l.pass(f)
		if err != nil {
			l.Dropped(err.Error())
			return nil
		}
		f.Payload = payload
	}
	if l.tap != nil {
		l.tap(f)
	}
	return l.Forward(ctx, in, f)
}

// count counts a publisher that comes or goes.
func (l *Listener) count(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.peers += n
}

func (l *Listener) countRefused(err error) {
	l.mu.Lock()
	l.refused++
	l.mu.Unlock()
	l.log.Debug("publisher refused", "error", err)
}

// Stats gives a snapshot; safe at any time.
func (l *Listener) Stats() ListenerStats {
	l.mu.Lock()
	defer l.mu.Unlock()
	return ListenerStats{Peers: l.peers, Refused: l.refused, Traffic: l.Traffic()}
}
