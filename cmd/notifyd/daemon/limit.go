package daemon

import (
	"net"
	"sync"
)

// The most connections that are open at once. More wait in the kernel's queue: a client that opens thousands must not use
// up the file descriptors that the database, the bus and the backends need. Each desktop agent keeps one of the pages'.
const (
	maxPageConnections     = 4096
	maxOperatorConnections = 256
)

// A limitedListener has at most cap(slots) connections open.
type limitedListener struct {
	net.Listener
	slots  chan struct{} // a token for each open connection
	closed chan struct{}
	once   sync.Once
}

func limitConnections(l net.Listener, most int) *limitedListener {
	return &limitedListener{Listener: l, slots: make(chan struct{}, most), closed: make(chan struct{})}
}

// Accept waits for a free slot and then for a connection.
func (l *limitedListener) Accept() (net.Conn, error) {
	select {
	case l.slots <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	conn, err := l.Listener.Accept()
	if err != nil {
		<-l.slots
		return nil, err
	}
	return &limitedConn{Conn: conn, free: sync.OnceFunc(func() { <-l.slots })}, nil
}

// Close also ends an Accept that waits for a slot.
func (l *limitedListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

type limitedConn struct {
	net.Conn
	free func()
}

// Close gives the slot back.
func (c *limitedConn) Close() error {
	defer c.free()
	return c.Conn.Close()
}
