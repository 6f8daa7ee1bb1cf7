package limit

import (
	"net"
	"net/http"
	"net/netip"
	"sync"
)

// A Listener bounds the connections that are open at once, and shares them out. When all places are taken, a newcomer
// gets the place of the network that has most, so that one host cannot shut others out. Of that network goes an idle
// connection, which waits for another request, the one that is idle for longest; or else the oldest.
//
// Connections of trusted proxies carry all visitors, so none of them goes while it is in use: a newcomer waits for
// a place in the system's queue.
type Listener struct {
	net.Listener
	most   int
	exempt func(netip.Addr) bool

	mu      sync.Mutex
	freed   *sync.Cond
	closed  bool
	clock   uint64 // counts events
	conns   map[*conn]bool
	wide    map[netip.Prefix]int // how many of conns come from there, without those of trusted proxies
	narrow  map[network]int
	evicted uint64
}

// A conn is a connection that has a place.
type conn struct {
	net.Conn
	l      *Listener
	net    network
	since  uint64 // when it was opened, or has become idle
	idle   bool
	exempt bool
	once   sync.Once
}

// A network is where a connection comes from: a wide network and one within it.
type network struct{ wide, narrow netip.Prefix }

// Share returns a Listener with most places. exempt reports whether an address is a trusted proxy. Its State must be
// the ConnState of the http.Server.
func Share(l net.Listener, most int, exempt func(netip.Addr) bool) *Listener {
	s := &Listener{Listener: l, most: most, exempt: exempt, conns: map[*conn]bool{}, wide: map[netip.Prefix]int{},
		narrow: map[network]int{}}
	s.freed = sync.NewCond(&s.mu)
	return s
}

// Accept implements net.Listener.
func (l *Listener) Accept() (net.Conn, error) {
	for {
		raw, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if c := l.place(raw); c != nil {
			return c, nil
		}
		_ = raw.Close() // nothing was said on it
	}
}

// place gives a connection a place, or returns nil when there is none for it.
func (l *Listener) place(raw net.Conn) *conn {
	addr := ParsePeer(raw.RemoteAddr().String())
	c := &conn{Conn: raw, l: l, exempt: l.exempt(addr)}
	if w := widths(addr); len(w) > 0 {
		c.net = network{w[0], w[len(w)-1]}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.conns) >= l.most {
		victim := l.victim(c)
		if victim == nil && (!c.exempt || l.closed) {
			return nil
		}
		if victim == nil {
			l.freed.Wait()
			continue
		}
		l.evicted++
		l.remove(victim)
		_ = victim.Conn.Close() // its handler ends with an error, as if its visitor had left
	}
	l.clock++
	c.since = l.clock
	l.conns[c] = true
	if !c.exempt {
		l.wide[c.net.wide]++
		l.narrow[c.net]++
	}
	return c
}

func (l *Listener) remove(c *conn) {
	if !l.conns[c] {
		return // it has gone already
	}
	delete(l.conns, c)
	l.freed.Broadcast()
	if c.exempt {
		return
	}
	if l.wide[c.net.wide]--; l.wide[c.net.wide] == 0 {
		delete(l.wide, c.net.wide)
	}
	if l.narrow[c.net]--; l.narrow[c.net] == 0 {
		delete(l.narrow, c.net)
	}
}

// victim returns the connection that makes place for c; nil: c has to wait, or to go.
func (l *Listener) victim(c *conn) *conn {
	var worst *conn
	for o := range l.conns {
		if o.exempt {
			if o.idle && c.exempt && (worst == nil || worst.exempt && o.since < worst.since) {
				worst = o
			}
			continue
		}
		if worst == nil || worst.exempt || l.before(o, worst) {
			worst = o
		}
	}
	if worst == nil || worst.exempt || c.exempt {
		return worst
	}
	if !worst.idle && l.wide[worst.net.wide] <= l.wide[c.net.wide]+1 {
		return nil // what is in use goes only where it makes the shares more equal
	}
	return worst
}

// before reports whether a goes rather than b.
func (l *Listener) before(a, b *conn) bool {
	if x, y := l.wide[a.net.wide], l.wide[b.net.wide]; x != y {
		return x > y
	}
	if x, y := l.narrow[a.net], l.narrow[b.net]; x != y {
		return x > y
	}
	if a.idle != b.idle {
		return a.idle
	}
	return a.since < b.since
}

// State follows the states of the connections.
func (l *Listener) State(raw net.Conn, state http.ConnState) {
	c, ok := raw.(*conn)
	if !ok {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if c.idle = state == http.StateIdle; c.idle {
		l.clock++
		c.since = l.clock
		l.freed.Broadcast() // it may go now
	}
}

// Evicted returns how many connections had to go for others.
func (l *Listener) Evicted() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.evicted
}

// Close implements net.Listener.
func (l *Listener) Close() error {
	l.mu.Lock()
	l.closed = true
	l.freed.Broadcast()
	l.mu.Unlock()
	return l.Listener.Close()
}

// Close frees the place.
func (c *conn) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() {
		c.l.mu.Lock()
		defer c.l.mu.Unlock()
		c.l.remove(c)
	})
	return err
}
