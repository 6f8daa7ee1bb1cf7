package email

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/notifyd/notifyd/backends/email/fakesmtp"
)

// A refused recipient must not cost the connection, or a list with dead addresses would dial for each.
func TestRefusalKeepsTheConnection(t *testing.T) {
	f := newFarEnd(t, fakesmtp.Options{})
	b := newBackend(t, f.config())
	for i := range 10 {
		f.play(nil)
		if i%2 == 0 {
			f.play(at([]fakesmtp.Stage{fakesmtp.OnRcpt, fakesmtp.OnData}[i/2%2], fakesmtp.Reply{Code: 550, Text: "no"}))
		}
		if err := b.Send(t.Context(), sample(fmt.Sprint(i))); (err != nil) != (i%2 == 0) {
			t.Errorf("Send %d = %v", i, err)
		}
	}
	if n := f.smtp.Connections(); n != 1 || len(f.messages()) != 5 {
		t.Errorf("%d connections, %d messages, want 1 and 5", n, len(f.messages()))
	}
}

// A connection that breaks in the content leaves nothing; one that breaks after it leaves a message, and the retry has
// the same Message-ID.
func TestDropWhileSending(t *testing.T) {
	for _, c := range []struct {
		stage fakesmtp.Stage
		kept  int
	}{{fakesmtp.OnContent, 1}, {fakesmtp.OnEnd, 2}} {
		t.Run(string(c.stage), func(t *testing.T) {
			f := newFarEnd(t, fakesmtp.Options{})
			b := newBackend(t, f.config())
			f.play(at(c.stage, fakesmtp.Reply{Drop: true}))
			if err := b.Send(t.Context(), sample("drop")); class(err) != "later" {
				t.Errorf("Send = %v, want an error worth a retry", err)
			}
			f.play(nil)
			if err := b.Send(t.Context(), sample("drop")); err != nil {
				t.Errorf("the retry: %v", err)
			}
			ids := map[string]bool{}
			for _, r := range receipts(t, f.messages()) {
				ids[r.ID] = true
			}
			if len(f.messages()) != c.kept || len(ids) != 1 {
				t.Errorf("%d messages under %d ids, want %d under 1", len(f.messages()), len(ids), c.kept)
			}
		})
	}
}

// The server restarts while connections are kept: the next Send must not notice.
func TestRestartWithIdleConnections(t *testing.T) {
	f := newFarEnd(t, fakesmtp.Options{})
	b := newBackend(t, f.config())
	for i := range 20 {
		if err := b.Send(t.Context(), sample(fmt.Sprint(i))); err != nil {
			t.Fatalf("Send %d = %v", i, err)
		}
		switch i % 4 {
		case 1:
			f.down()
			f.up()
		case 3:
			f.smtp.CutConnections()
		}
	}
	if n := len(f.messages()); n != 20 {
		t.Errorf("%d messages, want 20", n)
	}
}

// An idle server says 421 and closes, which the client sees when it next speaks (RFC 5321, section 3.8).
func TestServerClosesIdleWith421(t *testing.T) {
	f := newFarEnd(t, fakesmtp.Options{})
	b := newBackend(t, f.config())
	var once atomic.Bool
	f.play(func(s fakesmtp.Stage, _ string) fakesmtp.Reply {
		if s == fakesmtp.OnMail && len(f.smtp.Messages()) == 1 && once.CompareAndSwap(false, true) {
			return fakesmtp.Reply{Code: 421, Text: "idle too long"}
		}
		return fakesmtp.Reply{}
	})
	for i := range 3 {
		if err := b.Send(t.Context(), sample(fmt.Sprint(i))); err != nil {
			t.Errorf("Send %d = %v", i, err)
		}
	}
	if !once.Load() || len(f.messages()) != 3 {
		t.Errorf("421 said: %v, %d messages", once.Load(), len(f.messages()))
	}
}

// Servers that misbehave below SMTP: with each, Send must end within the timeout with ErrUnavailable.
func TestHostileServer(t *testing.T) {
	t.Parallel() // it waits
	for _, c := range []struct {
		name  string
		serve func(net.Conn)
	}{
		{"closes at once", func(net.Conn) {}},
		{"is silent", func(c net.Conn) { c.Read(make([]byte, 1)) }},
		{"speaks something else", func(c net.Conn) { fmt.Fprintf(c, "HTTP/1.1 400 Bad Request\r\n\r\n") }},
		{"never ends its greeting", func(c net.Conn) {
			for line := strings.Repeat("220-x", 1000); ; {
				if _, err := c.Write([]byte(line)); err != nil {
					return
				}
			}
		}},
		{"never ends its lines", func(c net.Conn) {
			// Many at once: one by one, a slow machine takes longer than the timeout.
			for lines := strings.Repeat("220-more\r\n", 1000); ; {
				if _, err := c.Write([]byte(lines)); err != nil {
					return
				}
			}
		}},
		{"repeats the login", func(c net.Conn) {
			fmt.Fprintf(c, "554 go away user sesame alice@example.org c2VzYW1l\r\n")
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			port := serve(t, c.serve)
			b := newBackend(t, Config{
				Host: "127.0.0.1", Port: port, TLS: TLSNone, From: "n@example.org", Timeout: time.Second,
				Username: "user", Password: "sesame",
			})
			start := time.Now()
			err := b.Send(context.Background(), sample("x"))
			if class(err) != "unavailable" {
				t.Errorf("Send = %v, want ErrUnavailable", err)
			}
			if strings.HasPrefix(c.name, "never ends") && !strings.Contains(err.Error(), errTalkative.Error()) {
				t.Errorf("Send = %v, want it to end by the amount, not by the time", err)
			}
			if took := time.Since(start); took > patience/2 {
				t.Errorf("it took %v with a timeout of 1 s", took)
			}
			if s := err.Error(); len(s) > 600 || strings.Contains(s, "sesame") || strings.Contains(s, "@") ||
				strings.Contains(s, "c2VzYW1l") {
				t.Errorf("the error is long or leaks: %.300q", s)
			}
		})
	}
}

// serve answers each connection by f until the test ends.
func serve(t *testing.T, f func(net.Conn)) (port int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.SetDeadline(time.Now().Add(patience))
			f(c)
			c.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return l.Addr().(*net.TCPAddr).Port
}
