package zmq

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/go-zeromq/zmq4"
	"github.com/go-zeromq/zmq4/security/null"
)

// A tape is a connection that plays what is on it, in pieces of the given sizes, and swallows what is written.
type tape struct {
	net.Conn // nil: what is not below must not be called
	text     []byte
	sizes    []byte
	played   int
	written  bytes.Buffer
}

func (c *tape) Read(p []byte) (int, error) {
	if c.played == len(c.text) {
		return 0, io.EOF
	}
	n := len(p)
	if len(c.sizes) > 0 {
		n = int(c.sizes[c.played%len(c.sizes)])%64 + 1
	}
	n = copy(p[:min(n, len(p))], c.text[c.played:])
	c.played += n
	return n, nil
}

func (c *tape) Write(p []byte) (int, error)      { return c.written.Write(p) }
func (c *tape) Close() error                     { return nil }
func (c *tape) SetReadDeadline(time.Time) error  { return nil }
func (c *tape) SetWriteDeadline(time.Time) error { return nil }

const fuzzLimit = 1 << 12

// allowed is how much of a stream, after the greeting, a zmtpConn may let through: all, or what is before the end of
// the first header that claims too much. It is written in another way than the zmtpConn, as its check.
func allowed(b []byte, limit uint64) int {
	pos, sum := 0, uint64(0)
	for {
		rest := b[pos:]
		if len(rest) < 2 || rest[0]&flagLong != 0 && len(rest) < 9 {
			return len(b)
		}
		n, size := 2, uint64(rest[1])
		if rest[0]&flagLong != 0 {
			n, size = 9, binary.BigEndian.Uint64(rest[1:9])
		}
		if size > limit || sum+size+partCost > limit {
			return pos + n - 1
		}
		if sum += size + partCost; rest[0]&flagMore == 0 {
			sum = 0
		}
		if size > uint64(len(rest)-n) {
			return len(b)
		}
		pos += n + int(size)
	}
}

func FuzzConn(f *testing.F) {
	sizes := []byte{0, 1, 5, 63}
	for _, text := range [][]byte{
		nil, readyAs("PUB"), join(readyAs("PUB"), part(flagMore, []byte("t")), part(0, []byte("{}"))),
		join(readyAs("PUB"), header(0, 1<<62)),
		join(readyAs("PUB"), header(flagMore, 100), bytes.Repeat([]byte("x"), 100), header(0, 1<<40)),
		join(readyAs("PUB"), bytes.Repeat(part(flagMore, nil), 100)),
		join(readyAs("PUB"), command("PING", []byte("\x00\x00ab"))),
		command("READY", []byte{1, 'S'}), header(flagCommand, 1<<63), {flagLong, 0, 0, 0},
	} {
		f.Add(text, sizes)
		f.Add(text, []byte{0})
	}
	f.Fuzz(func(t *testing.T, text, sizes []byte) {
		// Without the codec: it lets through no byte beyond the first header over the limit.
		conn := newZMTPConn(&tape{text: append(greeting(), text...), sizes: sizes}, limits{message: fuzzLimit}, time.Now)
		conn.handshakeDone()
		passed, err := io.ReadAll(conn)
		if errors.Is(err, errFlood) {
			return
		}
		may := greetingSize + allowed(text, fuzzLimit)
		if len(passed) > may || err == nil && len(passed) != len(text)+greetingSize {
			t.Errorf("%d bytes let through, %d allowed, of %d; error %v", len(passed), may, len(text)+greetingSize, err)
		}
		if whole := may == greetingSize+len(text); whole != (err == nil) {
			t.Errorf("error %v, though the stream is within the limit: %v", err, whole)
		}
		codecBehindConn(t, text, sizes)
	})
}

// codecBehindConn lets the codec have the stream: no message over the limit may come out of it.
func codecBehindConn(t *testing.T, text, sizes []byte) {
	defer func() { recover() }() // the codec may panic in the handshake; sessions recover from that, as this does
	conn := newZMTPConn(&tape{text: append(greeting(), text...), sizes: sizes}, limits{message: fuzzLimit}, time.Now)
	codec, err := zmq4.Open(conn, null.Security(), zmq4.Sub, nil, false, nil)
	if err != nil {
		return
	}
	conn.handshakeDone()
	for {
		m, err := codec.RecvMsg()
		if err != nil {
			return
		}
		sum := 0
		for _, f := range m.Frames {
			sum += len(f) + partCost
		}
		if sum > fuzzLimit {
			t.Errorf("a message of %d came through, limit %d", sum, fuzzLimit)
		}
	}
}

func TestConnSeesTheBoundWhereverItsHeaderIsCut(t *testing.T) {
	text := join(greeting(), part(flagMore, []byte("topic")), header(0, 1<<40))
	for cut := 1; cut <= 64; cut++ {
		conn := newZMTPConn(&tape{text: text, sizes: []byte{byte(cut - 1)}}, limits{message: 1000}, time.Now)
		conn.handshakeDone()
		passed, err := io.ReadAll(conn)
		if !errors.Is(err, errTooLarge) || len(passed) >= len(text) {
			t.Errorf("in pieces of %d: %d bytes of %d, error %v", cut, len(passed), len(text), err)
		}
		if n, err := conn.Read(make([]byte, 1)); n != 0 || !errors.Is(err, errTooLarge) {
			t.Errorf("read after the failure: %d, %v", n, err)
		}
	}
}

func TestConnWritesWholeFrames(t *testing.T) {
	c := &tape{}
	conn := newZMTPConn(c, limits{}, time.Now)
	conn.Write(greeting())
	if b := c.written.Bytes(); len(b) != greetingSize || b[8] != 1 {
		t.Fatalf("greeting %x", b)
	}
	c.written.Reset()
	conn.Write([]byte{flagCommand, 3})
	conn.writeWhole([]byte("between"))
	conn.Write([]byte("abc"))
	if got := c.written.String(); got != "between\x04\x03abc" {
		t.Errorf("written %q", got)
	}
}

func TestConnDoesNotWaitForAPeerThatDoesNotRead(t *testing.T) {
	client, peer := net.Pipe() // holds nothing: a write waits for a read
	defer peer.Close()
	conn := newZMTPConn(client, limits{write: 20 * time.Millisecond}, time.Now)
	defer conn.Close()
	if _, err := conn.writeWhole(ping); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}

// BenchmarkConn measures a zmtpConn and the codec together on messages of 32 and 2048 bytes.
func BenchmarkConn(b *testing.B) {
	one := join(part(flagMore, bytes.Repeat([]byte("t"), 32)), part(0, bytes.Repeat([]byte("x"), 2048)))
	const many = 1000
	text := append(greetingAndReady(), bytes.Repeat(one, many)...)
	b.SetBytes(int64(len(one)))
	b.ReportAllocs()
	var codec *zmq4.Conn
	for n := 0; b.Loop(); n++ {
		if n%many == 0 {
			bounds := limits{message: 1 << 20, heartbeat: time.Second, oneMessage: time.Second}
			conn := newZMTPConn(&tape{text: text}, bounds, time.Now)
			var err error
			if codec, err = zmq4.Open(conn, null.Security(), zmq4.Sub, nil, false, nil); err != nil {
				b.Fatal(err)
			}
			conn.handshakeDone()
		}
		if m, err := codec.RecvMsg(); err != nil || len(m.Frames) != 2 {
			b.Fatal(m, err)
		}
	}
}
