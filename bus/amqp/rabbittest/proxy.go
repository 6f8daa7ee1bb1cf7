package rabbittest

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/notifyd/notifyd/internal/exectest"
)

// A Proxy stands between a consumer and the broker. It counts what the consumer acknowledges, by reading the frames; it
// can be dead for a while, which is faster than killing the broker; and it can be a hostile broker.
type Proxy struct {
	Addr   string
	target string

	mu       sync.Mutex
	listener net.Listener
	conns    map[net.Conn]bool
	acked    int
	attack   func(net.Conn)
	attacked func() // tells who has begun the attack that somebody was attacked
	all      sync.WaitGroup
}

// NewProxy starts a proxy before the broker.
func NewProxy(t testing.TB, b *Broker) *Proxy {
	t.Helper()
	p := &Proxy{
		Addr: fmt.Sprintf("127.0.0.1:%d", exectest.FreePort(t)), target: net.JoinHostPort(b.Host, b.Port),
		conns: map[net.Conn]bool{},
	}
	p.Up(t)
	t.Cleanup(func() {
		p.Down()
		p.all.Wait()
	})
	return p
}

// Up listens, where it does not.
func (p *Proxy) Up(t testing.TB) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener != nil {
		return
	}
	listener, err := net.Listen("tcp", p.Addr)
	if err != nil {
		t.Errorf("listen again: %v", err)
		return
	}
	p.listener = listener
	p.all.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			p.all.Go(func() { p.serve(conn) })
		}
	})
}

// Down closes every connection and refuses new ones.
func (p *Proxy) Down() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener != nil {
		p.listener.Close()
		p.listener = nil
	}
	p.drop()
}

func (p *Proxy) drop() {
	for conn := range p.conns {
		conn.Close()
	}
}

// Acked is how many deliveries were acknowledged.
func (p *Proxy) Acked() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.acked
}

// Attack makes it a hostile broker until stop is called, and returns when it has done to somebody what it does, or
// waits for him.
func (p *Proxy) Attack(attack func(net.Conn)) (stop func()) {
	attacked := make(chan struct{})
	p.mu.Lock()
	p.attack, p.attacked = attack, sync.OnceFunc(func() { close(attacked) })
	p.drop()
	p.mu.Unlock()
	select {
	case <-attacked:
	case <-time.After(20 * time.Second): // whoever waits for the consumer will see
	}
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.attack = nil
		p.drop()
	}
}

func (p *Proxy) serve(conn net.Conn) {
	p.mu.Lock()
	p.conns[conn] = true
	attack, attacked := p.attack, p.attacked
	if p.listener == nil {
		conn.Close()
	}
	p.mu.Unlock()
	defer func() {
		conn.Close()
		p.mu.Lock()
		delete(p.conns, conn)
		p.mu.Unlock()
	}()
	if attack != nil {
		defer attacked()
		defer time.AfterFunc(100*time.Millisecond, attacked).Stop() // for one that waits
		attack(conn)
		return
	}
	broker, err := net.DialTimeout("tcp", p.target, 20*time.Second)
	if err != nil {
		return
	}
	defer broker.Close()
	p.all.Go(func() {
		io.Copy(conn, broker)
		conn.Close()
		broker.Close()
	})
	p.count(conn, broker)
}

// count hands on what the consumer sends, frame by frame, and counts acknowledgements (specification 0-9-1, 1.8.3.13).
func (p *Proxy) count(from io.Reader, to io.Writer) {
	const method, basic, ack = 1, 60, 80
	head := make([]byte, 8) // the protocol's header first
	if _, err := io.ReadFull(from, head); err != nil {
		return
	}
	to.Write(head)
	known := map[uint16]map[uint64]bool{} // by channel
	for {
		if _, err := io.ReadFull(from, head[:7]); err != nil {
			return
		}
		frame := make([]byte, 7+binary.BigEndian.Uint32(head[3:])+1)
		copy(frame, head[:7])
		if _, err := io.ReadFull(from, frame[7:]); err != nil {
			return
		}
		body := frame[7:]
		if frame[0] == method && len(body) >= 13 && binary.BigEndian.Uint16(body) == basic {
			channel := binary.BigEndian.Uint16(frame[1:])
			if known[channel] == nil {
				known[channel] = map[uint64]bool{}
			}
			if tag := binary.BigEndian.Uint64(body[4:]); binary.BigEndian.Uint16(body[2:]) == ack {
				p.note(known[channel], tag, body[12]&1 != 0)
			} else {
				known[channel][tag] = true // rejected
			}
		}
		if _, err := to.Write(frame); err != nil {
			return
		}
	}
}

func (p *Proxy) note(known map[uint64]bool, tag uint64, multiple bool) {
	first := tag
	if multiple {
		first = 1
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for t := first; t <= tag; t++ {
		if !known[t] {
			known[t] = true
			p.acked++
		}
	}
}
