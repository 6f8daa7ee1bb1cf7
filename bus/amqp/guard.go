package amqp

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// A guard stands between the network and the client library, and bounds what the library does not.
//
// The library reads whatever comes and keeps it until it is taken, each message whole. A guard follows the frames of
// AMQP (specification 0-9-1, 4.2.3) as far as their lengths. A body that is larger than most is cut out of the stream:
// its content header then says 0 bytes. While the bodies that were read and not yet taken have more than room bytes,
// nothing is read.
//
// Deliveries of a channel are numbered from 1, and one content header follows each: so the number of a header is the
// delivery tag. A session has one channel that consumes.
//
// What we publish is numbered too. The library counts up to whatever number the broker confirms, so a confirmation of
// what was never published ends the connection.
type guard struct {
	net.Conn            // with TLS where there is one
	raw        net.Conn // below it
	most, room uint64
	write      time.Duration // for one write

	published atomic.Uint64 // messages that may be confirmed

	// The reader's goroutine alone uses these.
	head    []byte // of the frame that is being read, as far as it is needed: 7 bytes, of a content header 19
	ready   []byte // of head, what the library has not read yet
	payload uint64 // bytes of the frame that come after head, with the byte that ends it
	skip    bool   // they are cut out
	cut     uint64 // bytes of bodies that are still to be cut out
	buffer  []byte

	mu    sync.Mutex
	tag   uint64            // of the last content header
	large map[uint64]uint64 // sizes of what was cut out, by tag
	costs map[uint64]uint64 // bytes of what was read and not taken, by tag
	held  uint64            // all of them
	taken chan struct{}     // has room for one: held has become less
	done  <-chan struct{}   // the connection is over
}

// Frame types, and where things stand in a frame.
const (
	typeMethod = 1
	typeHeader = 2
	typeBody   = 3
	frameHead  = 7                 // type, channel, length
	sizeAt     = frameHead + 4     // of a content header: after class and weight
	headerHead = frameHead + 4 + 8 // up to and with the size of the body

	methodHead = frameHead + 4 + 8 // of a confirmation: up to and with its number
	confirmed  = 60<<16 | 80       // class basic, method ack
	denied     = 60<<16 | 120      // class basic, method nack

	overhead = 512 // of a message in the library, beside its bytes
)

func newGuard(ctx context.Context, conn net.Conn, most, room uint64, write time.Duration) *guard {
	return &guard{
		Conn: conn, raw: conn, most: most, room: room, write: write, large: map[uint64]uint64{},
		costs: map[uint64]uint64{}, taken: make(chan struct{}, 1), done: ctx.Done(), buffer: make([]byte, 32<<10),
	}
}

// Close ends the connection at once: TLS would wait to say farewell.
func (g *guard) Close() error { return g.raw.Close() }

// Write bounds each write in time: a broker that reads no more must not hold acknowledgements for ever.
func (g *guard) Write(p []byte) (int, error) {
	if err := g.SetWriteDeadline(time.Now().Add(g.write)); err != nil {
		return 0, err
	}
	return g.Conn.Write(p)
}

// Read gives what the library may see.
func (g *guard) Read(p []byte) (int, error) {
	for {
		switch {
		case len(p) == 0:
			return 0, nil
		case len(g.ready) > 0:
			n := copy(p, g.ready)
			g.ready = g.ready[n:]
			return n, nil
		case g.payload == 0:
			if err := g.next(); err != nil {
				return 0, err
			}
		case g.skip:
			n, err := g.Conn.Read(g.buffer[:min(uint64(len(g.buffer)), g.payload)])
			g.payload -= uint64(n)
			if err != nil {
				return 0, err
			}
		default:
			n, err := g.Conn.Read(p[:min(uint64(len(p)), g.payload)])
			g.payload -= uint64(n)
			return n, err
		}
	}
}

// next reads the begin of a frame, and decides what happens to it.
func (g *guard) next() error {
	if err := g.readHead(frameHead); err != nil {
		return err
	}
	length := uint64(binary.BigEndian.Uint32(g.head[3:]))
	rest := length + 1
	switch {
	case g.head[0] == typeBody && g.cut > 0:
		g.cut -= min(g.cut, length)
		g.payload, g.skip, g.head = rest, true, nil
		return nil
	case g.head[0] == typeMethod && length >= methodHead-frameHead:
		if err := g.readHead(methodHead); err != nil {
			return err
		}
		rest -= methodHead - frameHead
		method, number := binary.BigEndian.Uint32(g.head[frameHead:]), binary.BigEndian.Uint64(g.head[frameHead+4:])
		if (method == confirmed || method == denied) && number > g.published.Load() {
			return errConfirms
		}
	case g.head[0] == typeHeader && length >= headerHead-frameHead:
		if err := g.readHead(headerHead); err != nil {
			return err
		}
		rest -= headerHead - frameHead
		g.admit(length)
	}
	g.payload, g.skip, g.ready, g.head = rest, false, g.head, nil
	return nil
}

var errConfirms = errors.New("the broker confirms what was never published")

// readHead reads up to n bytes of the frame's begin. A deadline may pass in between, so what was read is kept.
func (g *guard) readHead(n int) error {
	for len(g.head) < n {
		more := make([]byte, n-len(g.head))
		m, err := g.Conn.Read(more)
		g.head = append(g.head, more[:m]...)
		if err != nil {
			return err
		}
	}
	return nil
}

// admit looks at a content header of so many bytes: it waits for room, and cuts a body out that is too large.
func (g *guard) admit(length uint64) {
	size := binary.BigEndian.Uint64(g.head[sizeAt:])
	g.mu.Lock()
	defer g.mu.Unlock()
	g.tag++
	cost := length + size + overhead
	if size > g.most {
		g.cut, cost = size, length+overhead
		g.large[g.tag] = size
		binary.BigEndian.PutUint64(g.head[sizeAt:], 0)
	}
	waited := false
	for g.held > 0 && g.held+cost > g.room {
		waited = true
		g.mu.Unlock()
		select {
		case <-g.taken:
		case <-g.done:
			g.mu.Lock()
			return
		}
		g.mu.Lock()
	}
	g.costs[g.tag] = cost
	g.held += cost
	if waited { // the time in which the broker must give a sign of life has passed while we did not look
		g.SetReadDeadline(time.Now().Add(g.write))
	}
}

// take says that a delivery was taken. cut is the size of its body where that was cut out, else 0.
func (g *guard) take(tag uint64) (cut uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.held -= g.costs[tag]
	cut = g.large[tag]
	delete(g.costs, tag)
	delete(g.large, tag)
	select {
	case g.taken <- struct{}{}:
	default:
	}
	return cut
}
