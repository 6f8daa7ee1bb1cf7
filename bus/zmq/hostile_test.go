package zmq

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
)

// greeting is what a ZMTP 3.0 peer with NULL security sends first.
func greeting() []byte {
	g := make([]byte, greetingSize)
	g[0], g[8], g[9], g[10] = 0xFF, 1, 0x7F, 3
	copy(g[12:], "NULL")
	return g
}

func part(flags byte, body []byte) []byte {
	if len(body) > 255 {
		return append(header(flags, uint64(len(body))), body...)
	}
	return append([]byte{flags, byte(len(body))}, body...)
}

// header is a long part's, whatever length it claims.
func header(flags byte, size uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{flags | flagLong}, size)
}

func command(name string, body []byte) []byte {
	return part(flagCommand, append(append([]byte{byte(len(name))}, name...), body...))
}

func property(name, value string) []byte {
	b := append([]byte{byte(len(name))}, name...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(value)))
	return append(b, value...)
}

func readyAs(kind string) []byte { return command("READY", property("Socket-Type", kind)) }

func join(parts ...[]byte) []byte { return slices.Concat(parts...) }

// hello is a whole handshake of a publisher.
func greetingAndReady() []byte { return join(greeting(), readyAs("PUB")) }

// server listens and lets serve have each connection, which is closed at the end of the test.
func server(t testing.TB, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	var conns []net.Conn
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, c)
			mu.Unlock()
			all.Go(func() { defer c.Close(); serve(c) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for _, c := range conns {
			c.Close()
		}
		mu.Unlock()
		all.Wait()
	})
	return "tcp://" + l.Addr().String()
}

// says serves a fixed text and then waits for the peer to close.
func says(text []byte) func(net.Conn) {
	return func(c net.Conn) {
		c.Write(text)
		io.Copy(io.Discard, c)
	}
}

// endless writes text again and again after a beginning.
func endless(begin, text []byte) func(net.Conn) {
	text = bytes.Repeat(text, 1+10000/len(text))
	return func(c net.Conn) {
		c.Write(begin)
		for {
			if _, err := c.Write(text); err != nil {
				return
			}
		}
	}
}

// steady writes text again and again, with pauses.
func steady(begin, text []byte, pause time.Duration) func(net.Conn) {
	return func(c net.Conn) {
		go io.Copy(io.Discard, c) // ends with the connection
		c.Write(begin)
		tick := time.NewTicker(pause)
		defer tick.Stop()
		for {
			if _, err := c.Write(text); err != nil {
				return
			}
			<-tick.C
		}
	}
}

// trickle writes text a byte at a time, with pauses, for ever its last byte.
func trickle(text []byte, pause time.Duration) func(net.Conn) {
	return func(c net.Conn) {
		tick := time.NewTicker(pause)
		defer tick.Stop()
		for i := 0; ; i++ {
			if _, err := c.Write(text[min(i, len(text)-1):][:1]); err != nil {
				return
			}
			<-tick.C
		}
	}
}

// An attack is what a publisher does, and the failure it must end in; "": none, its messages are refused.
type attack struct {
	name  string
	serve func(net.Conn)
	want  string
}

func hostilePublishers() []attack {
	long := bytes.Repeat([]byte("x"), 300)
	huge := append(property("Socket-Type", "")[:12], 0x7F, 0xFF, 0xFF, 0xFF)
	twoParts := join(part(flagCommand|flagMore, []byte("\x04PING")), part(flagCommand, nil))
	return []attack{
		{"silent", says(nil), FailedHandshake},
		{"closes at once", func(net.Conn) {}, FailedHandshake},
		{"HTTP", says([]byte("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n" + string(long))), FailedHandshake},
		{"garbage", says(bytes.Repeat([]byte{0xAB, 0x00, 0xFF, 0x7F}, 1000)), FailedHandshake},
		{"garbage without end", endless(nil, []byte{0xAB, 0x00, 0xFF}), FailedHandshake},
		{"short greeting", says(greeting()[:20]), FailedHandshake},
		{"ZMTP 2", says(append([]byte{0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F, 1, 1}, make([]byte, 60)...)), FailedHandshake},
		{"CURVE", says(append(append(greeting()[:12:12], "CURVE"...), make([]byte, 47)...)), FailedHandshake},
		{"handshake by the drop", trickle(greeting(), 20*time.Millisecond), FailedHandshake},
		{"READY without socket type", says(join(greeting(), command("READY", nil))), FailedPanic},
		{"READY with a property past its end", says(join(greeting(), command("READY", []byte{1, 'S'}))), FailedPanic},
		{"READY with a huge property", says(join(greeting(), command("READY", huge))), FailedHandshake},
		{"READY as a subscriber", says(join(greeting(), readyAs("SUB"))), FailedHandshake},
		{"ERROR", says(join(greeting(), command("ERROR", []byte("\x03no!")))), FailedHandshake},
		{"a message for READY", says(join(greeting(), part(0, long))), FailedHandshake},
		{"handshake command of 2^62", says(join(greeting(), header(flagCommand, 1<<62))), FailedTooLarge},
		{"handshake command of 1 TiB", says(join(greeting(), header(flagCommand, 1<<40))), FailedTooLarge},
		{"part of 2^62", says(join(greetingAndReady(), header(0, 1<<62))), FailedTooLarge},
		{"part of 2^63", says(join(greetingAndReady(), header(0, 1<<63))), FailedTooLarge},
		{"part of 2^64-1", says(join(greetingAndReady(), header(0, 1<<64-1))), FailedTooLarge},
		{"part of 1 TiB", says(join(greetingAndReady(), header(0, 1<<40))), FailedTooLarge},
		{"part of 16 GiB", says(join(greetingAndReady(), header(0, 16<<30))), FailedTooLarge},
		{"second part of 1 TiB",
			says(join(greetingAndReady(), part(flagMore, []byte("t")), header(0, 1<<40))), FailedTooLarge},
		{"command of 1 TiB", says(join(greetingAndReady(), header(flagCommand, 1<<40))), FailedTooLarge},
		{"message of parts without end", endless(greetingAndReady(), part(flagMore, nil)), FailedTooLarge},
		{"empty command", says(join(greetingAndReady(), part(flagCommand, nil))), FailedLost},
		{"command with a name past its end", says(join(greetingAndReady(), part(flagCommand, []byte{200, 'P'}))), FailedLost},
		{"command of two parts", says(join(greetingAndReady(), twoParts)), FailedLost},
		{"half a message", says(join(greetingAndReady(), part(flagMore, []byte("t")), header(0, 1000), long)), FailedSilent},
		{"silent after the handshake", says(greetingAndReady()), FailedSilent},
		{"reserved flags", endless(greetingAndReady(), []byte{0xF8, 0}), ""},
		{"messages of one part", endless(greetingAndReady(), part(0, []byte("topic"))), ""},
		{"messages of three parts", endless(greetingAndReady(), join(part(flagMore, []byte("topic")), part(flagMore, nil),
			part(0, []byte("{}")))), ""},
		{"messages of 100 parts", endless(greetingAndReady(), join(bytes.Repeat(part(flagMore, nil), 99), part(0, nil))), ""},
		{"PINGs without end", endless(greetingAndReady(), command("PING", []byte{0, 0})), FailedFlood},
		{"PINGs in the handshake", endless(greeting(), command("PING", []byte{0, 0})), FailedHandshake},
	}
}

// TestHostilePublishers is a list of attacks on who dials: each must end in a counted failure, again and again, while
// a decent publisher beside it is heard.
func TestHostilePublishers(t *testing.T) {
	for _, c := range hostilePublishers() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel() // nearly all of the time is waiting
			honest := join(part(flagMore, []byte("good")), part(0, []byte("{}")))
			good := server(t, steady(greetingAndReady(), honest, 10*time.Millisecond))
			bad := server(t, c.serve)
			config := fast(bad, good)
			config.Timeout, config.Heartbeat = 150*time.Millisecond, 50*time.Millisecond
			s, in := subscribe(t, config, 10)
			if c.want == "" {
				eventually(t, "messages refused", func() bool { return s.Stats().Endpoints[0].Dropped[DroppedParts] > 100 })
			} else {
				eventually(t, c.want+" counted twice", func() bool { return s.Stats().Endpoints[0].Failures[c.want] >= 2 })
			}
			if f := receive(t, in); f.Topic != "good" {
				t.Errorf("frame %+v", f)
			}
			if e := s.Stats().Endpoints[0]; c.want != "" && e.Received > 0 {
				t.Errorf("stats %+v", e)
			}
		})
	}
}

func TestRefusedMessages(t *testing.T) {
	one := func(topic, payload string) []byte {
		return join(part(flagMore, []byte(topic)), part(0, []byte(payload)))
	}
	addr := server(t, says(join(greetingAndReady(),
		part(0, nil), part(0, []byte("org.x")), join(part(flagMore, []byte("org.x")), part(flagMore, nil), part(0, nil)),
		one("", "{}"), one("\xff", "{}"), one("org.\x1b[2J", "{}"), one("org."+string(bytes.Repeat([]byte("x"), 2000)), "{}"),
		one("com.x", "{}"), one("orgy", "{}"), one("org.good", "{}"),
	)))
	c := fast(addr)
	c.Topics = []string{"org.*"}
	s, in := subscribe(t, c, 10)
	want(t, in, "org.good", "{}")
	e := s.Stats().Endpoints[0]
	if e.Dropped[DroppedParts] != 3 || e.Dropped[bus.DroppedTopic] != 4 ||
		e.Dropped[DroppedUnsubscribed] != 2 || e.Received != 1 {
		t.Errorf("stats %+v", e)
	}
}

// TestAMessageByTheDrop must end although bytes keep coming.
func TestAMessageByTheDrop(t *testing.T) {
	client, peer := net.Pipe()
	defer peer.Close()
	go trickle(part(0, bytes.Repeat([]byte("x"), 200)), 5*time.Millisecond)(peer)
	conn := newZMTPConn(client, limits{
		message: 1000, handshake: time.Second, write: time.Second, oneMessage: 100 * time.Millisecond,
	}, time.Now)
	defer conn.Close()
	conn.inFraming.skip = 0
	conn.handshakeDone()
	if _, err := io.ReadAll(io.LimitReader(conn, 300)); err != errStalled {
		t.Errorf("error %v, want %v", err, errStalled)
	}
}

// TestAHandshakeByTheDrop must end too.
func TestAHandshakeByTheDrop(t *testing.T) {
	client, peer := net.Pipe()
	defer peer.Close()
	go trickle(bytes.Repeat([]byte{0xFF}, greetingSize+200), 5*time.Millisecond)(peer)
	conn := newZMTPConn(client, limits{message: 1000, handshake: 100 * time.Millisecond, write: time.Second}, time.Now)
	defer conn.Close()
	if _, err := io.ReadAll(io.LimitReader(conn, greetingSize)); err != errHandshake {
		t.Errorf("error %v, want %v", err, errHandshake)
	}
}
