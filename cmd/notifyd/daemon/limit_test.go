package daemon

import (
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestListensOnASocket: owner and group may open it; one that a killed daemon has left is replaced, one in use is not,
// and neither is a file.
func TestListensOnASocket(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "n.sock")
	s := &Service{log: slog.New(slog.DiscardHandler)}
	if err := s.listen(t.Context(), "a test", "unix:"+socket, 2, everyone, nil); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(socket); err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if err := s.listen(t.Context(), "a test", "unix:"+socket, 2, everyone, nil); err == nil {
		t.Error("a socket in use was taken away")
	}
	first, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket + "2", Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	first.SetUnlinkOnClose(false)
	first.Close()
	if err := s.listen(t.Context(), "a test", "unix:"+socket+"2", 2, everyone, nil); err != nil {
		t.Errorf("a socket that was left behind: %v", err)
	}
	if err := os.WriteFile(socket+"3", []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.listen(t.Context(), "a test", "unix:"+socket+"3", 2, everyone, nil); err == nil {
		t.Error("a file was taken away")
	}
	for _, l := range s.listeners {
		l.listener.Close()
	}
	for _, bad := range []string{"unix:n.sock", "unix:", "unix:/" + strings.Repeat("a", 110)} {
		set := defaultSettings()
		if set.Web.Listen = bad; set.check() == nil || !strings.Contains(set.check().Error(), "web.listen") {
			t.Errorf("%s: %v", bad, set.check())
		}
	}
	set := defaultSettings()
	if set.Web.Listen = "unix:" + socket; set.check() != nil {
		t.Error(set.check())
	}
}

// TestConnectionsAreBounded opens more connections than are allowed. The next one is accepted when one ends, and the
// end of the listener does not wait for it.
func TestConnectionsAreBounded(t *testing.T) {
	s := &Service{log: slog.New(slog.DiscardHandler)}
	if err := s.listen(t.Context(), "a test", "127.0.0.1:0", 2, everyone, nil); err != nil {
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
