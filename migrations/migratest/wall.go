package migratest

import (
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
)

// A Wall stands between a program and a server, and can be told what to let through.
type Wall struct {
	URL string // as the server's, but leads through the wall

	listener net.Listener
	server   string
	all      sync.WaitGroup

	mu     sync.Mutex
	ended  bool
	frozen chan struct{} // closed: nothing is frozen
	open   map[net.Conn]bool
	cut    func(sent []byte) bool
}

// NewWall makes a Wall before the server of a URL. It ends with the test.
func NewWall(t testing.TB, server string) *Wall {
	t.Helper()
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	w := &Wall{server: u.Host, frozen: make(chan struct{}), open: map[net.Conn]bool{}}
	close(w.frozen)
	if w.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	u.Host = w.listener.Addr().String()
	w.URL = u.String()
	w.all.Go(w.accept)
	t.Cleanup(w.close)
	return w
}

// Freeze lets nothing through any more, in no direction; the connections stay.
func (w *Wall) Freeze() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.frozen = make(chan struct{})
}

// Thaw lets everything through again.
func (w *Wall) Thaw() {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.frozen)
}

// CutAfter cuts a connection, once: as soon as the server has answered to what sends says yes to. The answer does not
// come through.
func (w *Wall) CutAfter(sends func(sent []byte) bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = sends
}

func (w *Wall) accept() {
	for {
		client, err := w.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", w.server)
		if err != nil {
			client.Close()
			continue
		}
		if !w.keep(client, server) {
			return
		}
		var lost sync.Once
		end := func() { lost.Do(func() { w.drop(client, server) }) }
		doomed := make(chan struct{}, 1)
		w.all.Go(func() { defer end(); w.carry(server, client, doomed, true) })
		w.all.Go(func() { defer end(); w.carry(client, server, doomed, false) })
	}
}

// carry hands on what one side says.
func (w *Wall) carry(to io.Writer, from io.Reader, doomed chan struct{}, asks bool) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		w.mu.Lock()
		frozen := w.frozen
		if asks && w.cut != nil && w.cut(buffer[:n]) {
			w.cut = nil
			doomed <- struct{}{}
		}
		w.mu.Unlock()
		<-frozen
		if !asks && len(doomed) > 0 {
			return
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func (w *Wall) keep(conns ...net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range conns {
		if w.ended {
			c.Close()
		}
		w.open[c] = true
	}
	return !w.ended
}

func (w *Wall) drop(conns ...net.Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range conns {
		c.Close()
		delete(w.open, c)
	}
}

func (w *Wall) close() {
	w.listener.Close()
	w.mu.Lock()
	w.ended = true
	for c := range w.open {
		c.Close()
	}
	select {
	case <-w.frozen:
	default:
		close(w.frozen)
	}
	w.mu.Unlock()
	w.all.Wait()
}
