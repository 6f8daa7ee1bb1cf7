package people

import (
	"net"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// nobody is the uid of a peer that the kernel does not name.
const nobody = -1

// peerOf returns the user at the other end of a Unix socket (SO_PEERCRED, unix(7)), as the kernel knows them: what the
// process was when it connected, or began to listen.
func peerOf(c net.Conn) int {
	socket, ok := c.(syscall.Conn)
	if !ok {
		return nobody
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return nobody
	}
	uid := nobody
	err = raw.Control(func(fd uintptr) {
		if cred, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
			uid = int(cred.Uid)
		}
	})
	if err != nil {
		return nobody
	}
	return uid
}

// A knowing listener knows who connects: the address of the other end says it.
type knowing struct{ net.Listener }

// Accept waits for the next connection.
func (l knowing) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return known{c, peer(peerOf(c))}, nil
}

type known struct {
	net.Conn
	peer peer
}

// RemoteAddr returns the user at the other end.
func (c known) RemoteAddr() net.Addr { return c.peer }

// A peer is the user at the other end, by number.
type peer int

// Network is "user".
func (peer) Network() string { return "user" }

// String returns the number.
func (p peer) String() string { return strconv.Itoa(int(p)) }
