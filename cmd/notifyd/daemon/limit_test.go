package daemon

import (
	"log/slog"
	"net"
	"testing"
	"time"
)

// TestConnectionsAreBounded opens more connections than are allowed. The next one is accepted when one ends, and the
// end of the listener does not wait for it.
func TestConnectionsAreBounded(t *testing.T) {
	s := &Service{log: slog.New(slog.DiscardHandler)}
	if err := s.listen(t.Context(), "a test", "127.0.0.1:0", 2, nil); err != nil {
		t.Fatal(err)
	}
	l := s.listeners[0].listener
	accepted, ended := make(chan net.Conn, 10), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			accepted <- c
		}
	}()
	for range 4 {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	next := func() net.Conn {
		t.Helper()
		select {
		case c := <-accepted:
			return c
		case <-time.After(5 * time.Second):
			t.Fatal("no connection was taken")
			return nil
		}
	}
	first, second := next(), next()
	defer second.Close()
	select {
	case <-accepted:
		t.Error("a third connection was taken while two were open")
	case <-time.After(50 * time.Millisecond):
	}
	first.Close()
	first.Close() // the permit is released once, not twice
	third := next()
	defer third.Close()
	select {
	case <-accepted:
		t.Error("a connection closed twice made room for two")
	case <-time.After(50 * time.Millisecond):
	}
	l.Close()
	<-ended
}
