package amqp

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"
)

// wire is a connection that gives a text, in pieces of any size.
type wire struct {
	net.Conn // nil: nothing else is asked for
	io.Reader
}

func (w wire) SetReadDeadline(time.Time) error { return nil }

func (w wire) Read(p []byte) (int, error) { return w.Reader.Read(p) }

func wireFrame(kind byte, payload []byte) []byte {
	f := binary.BigEndian.AppendUint32([]byte{kind, 0, 1}, uint32(len(payload)))
	return append(append(f, payload...), 0xCE)
}

// content is a content header and the frames of a body.
func content(size int, pieces ...int) []byte {
	header := binary.BigEndian.AppendUint64([]byte{0, 60, 0, 0}, uint64(size))
	all := wireFrame(typeHeader, append(header, 0, 0))
	for _, n := range pieces {
		all = append(all, wireFrame(typeBody, bytes.Repeat([]byte{'x'}, n))...)
	}
	return all
}

func TestGuardCutsOutWhatIsTooLarge(t *testing.T) {
	method := wireFrame(1, []byte("method"))
	var sent, want []byte
	for _, part := range []struct{ sent, want []byte }{
		{method, method},
		{content(5, 2, 3), content(5, 2, 3)},
		{content(11, 4, 4, 3), content(0)},
		{content(0), content(0)},
		{method, method},
		{content(10, 10), content(10, 10)},
		{content(1<<40, 7), content(0)}, // and it never ends
	} {
		sent, want = append(sent, part.sent...), append(want, part.want...)
	}
	for name, reader := range map[string]io.Reader{
		"whole": bytes.NewReader(sent), "by bytes": iotest.OneByteReader(bytes.NewReader(sent)),
		"halved": iotest.HalfReader(bytes.NewReader(sent)),
	} {
		g := newGuard(t.Context(), wire{Reader: reader}, 10, 1<<20, time.Minute)
		got, err := io.ReadAll(g)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: read %q, %v; want %q", name, got, err, want)
		}
		for tag, cut := range map[uint64]uint64{1: 0, 2: 11, 3: 0, 4: 0, 5: 1 << 40} {
			if got := g.take(tag); got != cut {
				t.Errorf("%s: take(%d) = %d, want %d", name, tag, got, cut)
			}
		}
	}
}

// TestGuardBelievesNoConfirmation of what was never published: the library would count up to its number.
func TestGuardBelievesNoConfirmation(t *testing.T) {
	confirm := func(method byte, number uint64) []byte {
		return wireFrame(1, append(binary.BigEndian.AppendUint64([]byte{0, 60, 0, method}, number), 1))
	}
	for _, c := range []struct {
		sent []byte
		ends bool
	}{
		{confirm(80, 2), false}, {confirm(120, 2), false}, {confirm(80, 3), true}, {confirm(120, 1<<63), true},
		{confirm(60, 1<<63), false}, // a delivery
	} {
		g := newGuard(t.Context(), wire{Reader: iotest.OneByteReader(bytes.NewReader(c.sent))}, 10, 1<<20, time.Minute)
		g.published.Store(2)
		got, err := io.ReadAll(g)
		if ended := err != nil; ended != c.ends || !ended && !bytes.Equal(got, c.sent) {
			t.Errorf("%x: read %x, %v", c.sent, got, err)
		}
	}
}

// TestGuardWaitsForRoom reads no second body before the first is taken.
func TestGuardWaitsForRoom(t *testing.T) { synctest.Test(t, testRoom) }

func testRoom(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	one := content(8, 8)
	g := newGuard(ctx, wire{Reader: bytes.NewReader(bytes.Repeat(one, 3))}, 100, 10, time.Minute)
	var read atomic.Int64
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		p := make([]byte, 1024)
		for {
			n, err := g.Read(p)
			read.Add(int64(n))
			if err != nil {
				return
			}
		}
	}()
	check := func(when string, messages int) {
		t.Helper()
		synctest.Wait()
		if got, want := int(read.Load()), messages*len(one); got != want {
			t.Errorf("%s: %d bytes were read, want %d", when, got, want)
		}
	}
	check("nothing is taken", 1)
	g.take(1)
	check("one is taken", 2)
	cancel() // the end waits for nobody
	check("at the end", 3)
	<-ended
}

// FuzzGuard: whatever a broker sends, nothing panics, and what is within bounds passes unchanged.
func FuzzGuard(f *testing.F) {
	f.Add(content(5, 5))
	f.Add(append(content(500, 100, 400), content(3, 3)...))
	f.Add([]byte("AMQP\x00\x00\x09\x01"))
	f.Add(wireFrame(typeHeader, []byte("short")))
	f.Fuzz(func(t *testing.T, sent []byte) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // so that it waits for no room
		g := newGuard(ctx, wire{Reader: iotest.HalfReader(bytes.NewReader(sent))}, 100, 1<<20, time.Minute)
		got, err := io.ReadAll(g)
		if err != nil || len(got) > len(sent) {
			t.Fatalf("%d bytes of %d, %v", len(got), len(sent), err)
		}
		if len(g.large) == 0 && len(g.head) == 0 && !bytes.Equal(got, sent) {
			t.Fatalf("read %q of %q", got, sent)
		}
	})
}
