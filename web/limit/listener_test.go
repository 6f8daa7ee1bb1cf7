package limit

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"testing"
	"time"
)

// serve answers on a port of its own, with most places; 127.9.9.0/24 is a trusted proxy. The path /wait answers when
// the test is over.
func serve(t *testing.T, most int) *Listener {
	t.Helper()
	raw, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := Share(raw, most, netip.MustParsePrefix("127.9.9.0/24").Contains)
	over := make(chan struct{})
	server := &http.Server{ConnState: l.State, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/wait" {
			w.WriteHeader(http.StatusOK)
			_ = http.NewResponseController(w).Flush()
			select {
			case <-over:
			case <-r.Context().Done():
			}
		}
	})}
	ended := make(chan error)
	go func() { ended <- server.Serve(l) }()
	t.Cleanup(func() {
		close(over)
		_ = server.Close()
		<-ended
	})
	return l
}

// A visitor has one connection.
type visitor struct {
	net.Conn
	answers *bufio.Reader
}

// visit opens a connection from an address.
func visit(t *testing.T, l *Listener, from string) *visitor {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: 10 * time.Second}
	c, err := d.DialContext(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return &visitor{c, bufio.NewReader(c)}
}

// get asks for a page and reports whether it was answered.
func (v *visitor) get(path string) bool {
	_ = v.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := fmt.Fprintf(v, "GET %s HTTP/1.1\r\nHost: n\r\n\r\n", path); err != nil {
		return false
	}
	r, err := http.ReadResponse(v.answers, nil)
	return err == nil && r.StatusCode == http.StatusOK
}

// idle waits until so many connections wait for another request.
func (l *Listener) idle(t *testing.T, want int) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		l.mu.Lock()
		n := 0
		for c := range l.conns {
			if c.idle {
				n++
			}
		}
		l.mu.Unlock()
		if n == want {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d connections are idle, want %d", n, want)
		}
		<-time.After(time.Millisecond)
	}
}

// TestOneHostDoesNotShutOthersOut: one host keeps as many connections as there are places, and others get in.
func TestOneHostDoesNotShutOthersOut(t *testing.T) {
	l := serve(t, 10)
	var kept []*visitor
	for range 10 {
		v := visit(t, l, "127.0.1.1")
		if !v.get("/") {
			t.Fatal("no answer")
		}
		kept = append(kept, v)
	}
	l.idle(t, 10)
	for i := range 4 {
		if v := visit(t, l, fmt.Sprintf("127.0.%d.1", i+2)); !v.get("/") {
			t.Errorf("visitor %d is shut out", i)
		}
	}
	alive := 0
	for i, v := range kept {
		if v.get("/") {
			alive++
		} else if i >= 4 {
			t.Errorf("connection %d had to go, and not the one that was idle for longest", i)
		}
	}
	if alive != 6 || l.Evicted() != 4 {
		t.Errorf("%d of its connections are left, %d had to go", alive, l.Evicted())
	}
}

// What is in use goes where one network has most; its own newcomers are refused.
func TestConnectionsInUse(t *testing.T) {
	l := serve(t, 4)
	var busy []*visitor
	for i := range 4 {
		v := visit(t, l, fmt.Sprintf("127.0.1.%d", i+1)) // one /24
		if !v.get("/wait") {
			t.Fatal("no answer")
		}
		busy = append(busy, v)
	}
	if visit(t, l, "127.0.1.9").get("/") {
		t.Error("the network that has all places gets another one")
	}
	for _, other := range []string{"127.0.2.1", "127.0.3.1", "127.0.4.1"} {
		if !visit(t, l, other).get("/wait") {
			t.Error("others get no place of the network that has all")
		}
	}
	if visit(t, l, "127.0.5.1").get("/") { // now four networks have one each
		t.Error("what is in use goes although that makes no share more equal")
	}
	for i, v := range busy {
		_ = v.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
		_, err := v.Read(make([]byte, 1))
		timeout, _ := err.(net.Error)
		if gone := timeout == nil || !timeout.Timeout(); gone != (i < 3) {
			t.Errorf("connection %d: %v", i, err)
		}
	}
}

// A trusted proxy keeps what it uses, and waits for a place.
func TestTrustedProxy(t *testing.T) {
	l := serve(t, 2)
	first, second := visit(t, l, "127.9.9.1"), visit(t, l, "127.9.9.1")
	if !first.get("/wait") || !second.get("/wait") {
		t.Fatal("no answer")
	}
	third := visit(t, l, "127.9.9.1")
	answered := make(chan bool)
	go func() { answered <- third.get("/") }()
	select {
	case <-answered:
		t.Fatal("the third has a place, or was refused")
	case <-time.After(50 * time.Millisecond):
	}
	_ = first.Close()
	if !<-answered {
		t.Error("the third gets no answer when there is a place")
	}
}
