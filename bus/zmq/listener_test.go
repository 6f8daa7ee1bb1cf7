package zmq

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-zeromq/zmq4"
	"github.com/go-zeromq/zmq4/security/null"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/bustest"
)

// listenerDriver opens a Listener at the address of its section, so that the kit can test it.
func listenerDriver() bus.Driver {
	return bus.Driver{
		Name: "listener", Doc: "Lets publishers connect.",
		Open: func(decode func(any) error, log *slog.Logger) (bus.Source, error) {
			var c struct {
				Address string `yaml:"address"`
			}
			if err := decode(&c); err != nil {
				return nil, err
			}
			l, err := Listen(context.Background(), "listener", c.Address, ListenerConfig{Timeout: time.Second}, log)
			if err != nil {
				return nil, fmt.Errorf("address: %w", err)
			}
			return pushedTo{l}, nil
		},
	}
}

// A pushedTo is a Listener as what it is part of, a Relay, is seen by a program.
type pushedTo struct{ *Listener }

func (pushedTo) Competes() bool { return true }

// TestContractOfListener: the publisher is a socket of libzmq that connects, and is made to wait.
func TestContractOfListener(t *testing.T) {
	bustest.Run(t, func(t testing.TB) bustest.Fixture {
		path := t.TempDir() + "/relay"
		pub := startPython(t, "XPUB", "connect", "ipc://"+path, "XPUB_VERBOSE=1", "RECONNECT_IVL=10", "SNDHWM=0")
		f := bustest.Fixture{
			Driver: listenerDriver(), Config: "address: ipc://" + path, Waits: true, Listens: true,
			Mistakes: map[string]string{"address": "address: nowhere"},
			Publish:  func(t testing.TB, messages ...bus.Frame) int { return pub.sendFrames(t, messages...) },
			Ready:    func(testing.TB) { pub.subscribed("") },
			Down:     func(testing.TB) { pub.kill() },
			Up: func(t testing.TB) {
				pub = startPython(t, "XPUB", "connect", "ipc://"+path, "XPUB_VERBOSE=1", "RECONNECT_IVL=10", "SNDHWM=0")
			},
		}
		for _, a := range hostilePublishers() {
			f.Attacks = append(f.Attacks, bustest.Attack{Name: a.name, Start: func(t testing.TB) func() {
				return attackListener(t, path, a.serve)
			}})
		}
		return f
	})
}

// attackListener connects ten times and does what a hostile publisher does.
func attackListener(t testing.TB, path string, serve func(net.Conn)) (stop func()) {
	var all sync.WaitGroup
	var conns []net.Conn
	for range 10 {
		c, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
		all.Go(func() { serve(c) })
	}
	return func() {
		for _, c := range conns {
			c.Close()
		}
		all.Wait()
	}
}

// listen runs a Listener whose frames go to the Intake.
func listen(t testing.TB, c ListenerConfig) (*Listener, *bus.Intake) {
	t.Helper()
	l, err := Listen(t.Context(), "in", "tcp://127.0.0.1:0", c, quiet())
	if err != nil {
		t.Fatal(err)
	}
	in := bus.NewIntake(bus.IntakeConfig{})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx, in) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return l, in
}

// hello connects as a publisher and reads the subscription.
func (l *Listener) hello(t testing.TB) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(l.Addr(), "tcp://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(20 * time.Second))
	c.Write(greetingAndReady())
	theirs := make([]byte, greetingSize)
	if _, err := io.ReadFull(c, theirs); err != nil {
		t.Fatal(err)
	}
	all := make([]byte, 0, 200)
	for !bytes.HasSuffix(all, []byte{0, 1, 1}) { // READY, and the subscription to everything
		one := make([]byte, 1)
		if _, err := c.Read(one); err != nil {
			t.Fatalf("%v after %q", err, all)
		}
		all = append(all, one...)
	}
	return c
}

func TestListenerRefusesAPortThatIsTaken(t *testing.T) {
	l, _ := listen(t, ListenerConfig{})
	if _, err := Listen(t.Context(), "in", l.Addr(), ListenerConfig{}, quiet()); err == nil ||
		!strings.Contains(err.Error(), "in use") {
		t.Errorf("a second listener: %v", err)
	}
}

// TestListenerSharesTheRoomForLargeMessages: many strangers begin large messages and stop. Nothing is allocated for
// those beyond the bound, small messages come through at once, and large ones when the strangers are gone.
func TestListenerSharesTheRoomForLargeMessages(t *testing.T) {
	noLeaks(t)
	l, in := listen(t, ListenerConfig{Bytes: 1}) // it is at least two of the largest messages
	begun := join(part(flagMore, []byte("t")), header(0, bus.MaxPayload))
	var strangers []net.Conn
	for range 20 {
		c := l.hello(t)
		c.Write(begun)
		strangers = append(strangers, c)
	}
	honest, small := l.hello(t), l.hello(t)
	large := bytes.Repeat([]byte("x"), 1<<20)
	eventually(t, "the room is taken", func() bool { return !tryAll(l, 1<<20) })
	honest.Write(join(part(flagMore, []byte("large")), header(0, uint64(len(large)))))
	small.Write(encodeMessage("small", []byte("{}")))
	if f := nextFrame(t, in); f.Topic != "small" || f.Source != "in" {
		t.Fatalf("%+v", f)
	}
	if in.Len() != 0 {
		t.Error("a message that is not whole came through")
	}
	for _, c := range strangers {
		c.Close()
	}
	honest.Write(large)
	if f := nextFrame(t, in); f.Topic != "large" || !bytes.Equal(f.Payload, large) {
		t.Fatalf("%s with %d bytes", f.Topic, len(f.Payload))
	}
	eventually(t, "all room is given back", func() bool { return tryAll(l, l.config.Bytes) })
	eventually(t, "the strangers are counted", func() bool { s := l.Stats(); return s.Peers == 2 && s.Received == 2 })
}

// tryAll reports whether n bytes are free.
func tryAll(l *Listener, n int64) bool {
	if !l.shared.TryAcquire(n) {
		return false
	}
	l.shared.Release(n)
	return true
}

func nextFrame(t testing.TB, in *bus.Intake) bus.Frame {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	frames, ok := in.Next(ctx)
	if !ok || len(frames) != 1 {
		t.Fatalf("%d frames, %t", len(frames), ok)
	}
	frames[0].Done()
	return frames[0]
}

func TestListenerCountsWhatItRefuses(t *testing.T) {
	l, in := listen(t, ListenerConfig{Peers: 1})
	first := l.hello(t)
	second, err := net.Dial("tcp", strings.TrimPrefix(l.Addr(), "tcp://"))
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if n, err := second.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Error("a peer too many is served")
	}
	first.Write(join(part(flagMore, []byte("t")), part(flagMore, []byte("a")), part(0, []byte("b"))))
	first.Write(part(0, []byte("one part")))
	first.Write(encodeMessage("bad\x00topic", []byte("{}")))
	first.Write(encodeMessage("good", []byte("{}")))
	if f := nextFrame(t, in); f.Topic != "good" {
		t.Errorf("%+v", f)
	}
	first.Write(header(0, 1<<40))
	eventually(t, "the first is cut off", func() bool { return l.Stats().Peers == 0 })
	eventually(t, "all are counted", func() bool {
		s := l.Stats()
		return s.Refused == 2 && s.Dropped[DroppedParts] == 2 && s.Dropped[bus.DroppedTopic] == 1 && s.Received == 1
	})
	third := l.hello(t)
	third.Close()
	eventually(t, "a publisher that goes is no fault", func() bool {
		s := l.Stats()
		return s.Peers == 0 && s.Refused == 2 && s.Connected
	})
}

// TestNoHostTakesEveryPlace: a client that holds half of the places gets no more; others do.
func TestNoHostTakesEveryPlace(t *testing.T) {
	d := newDoor(100, 100)
	for i := range 60 {
		if in := d.enter("2001:db8::1"); in != (i < 50) {
			t.Fatalf("connection %d of one host: %t", i, in)
		}
	}
	for i := range 60 {
		if in := d.enter(""); in != (i < 50) {
			t.Fatalf("connection %d of a Unix socket: %t", i, in)
		}
	}
	d.leave("2001:db8::1")
	if !d.enter("2001:db8::2") || d.enter("2001:db8::1") {
		t.Error("the place that one has left is not another's")
	}
	for range 49 {
		d.leave("2001:db8::1")
	}
	if len(d.hosts) != 2 {
		t.Errorf("remembers %d hosts that are gone or not", len(d.hosts))
	}
	few := newDoor(4, 2)
	for range 3 {
		if !few.enter("a") {
			t.Error("a few cannot all be of one host")
		}
	}
}

// addressed is a connection from an address.
type addressed struct {
	net.Conn
	from net.Addr
}

func (a addressed) RemoteAddr() net.Addr { return a.from }

func TestHostsOfConnections(t *testing.T) {
	for from, want := range map[net.Addr]string{
		&net.TCPAddr{IP: net.ParseIP("192.0.2.1"), Port: 5}:                "192.0.2.1",
		&net.TCPAddr{IP: net.ParseIP("::ffff:192.0.2.1"), Port: 5}:         "192.0.2.1",
		&net.TCPAddr{IP: net.ParseIP("2001:db8:0:1::5"), Port: 5}:          "2001:db8:0:1::",
		&net.TCPAddr{IP: net.ParseIP("fe80::5"), Port: 5, Zone: "eth0"}:    "fe80::",
		&net.UnixAddr{Name: "@", Net: "unix"}:                              "",
		&net.TCPAddr{IP: net.ParseIP("2001:db8:0:1:ffff::1"), Port: 65535}: "2001:db8:0:1::",
	} {
		if got := hostOf(addressed{from: from}); got != want {
			t.Errorf("host of %s is %q, want %q", from, got, want)
		}
	}
}

// TestStoppedListenerLeavesAFloodUnread ends a Listener that has thousands of messages in its buffer.
func TestStoppedListenerLeavesAFloodUnread(t *testing.T) {
	l, err := Listen(t.Context(), "in", "tcp://127.0.0.1:0", ListenerConfig{}, quiet())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	flood := join(greeting(), readyAs("PUB"), bytes.Repeat(part(0, nil), 10_000))
	conn := newZMTPConn(&tape{text: flood}, limits{message: 1000}, time.Now)
	codec, err := zmq4.Open(conn, null.Security(), zmq4.Sub, nil, true, nil)
	if err != nil {
		t.Fatal(err)
	}
	conn.handshakeDone()
	stopped, stop := context.WithCancel(t.Context())
	conn.room = &room{ctx: stopped, shared: l.shared}
	stop()
	if err := l.receive(stopped, codec, conn, bus.NewIntake(bus.IntakeConfig{})); err != nil {
		t.Error(err)
	}
	if n := l.Traffic().Dropped[DroppedParts]; n > 0 {
		t.Errorf("%d messages were read after the end", n)
	}
}
