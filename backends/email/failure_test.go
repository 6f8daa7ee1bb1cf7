package email

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/backends/backendtest"
	"github.com/notifyd/notifyd/backends/email/fakesmtp"
)

func sample(id string) backends.Parcel {
	return backends.Parcel{ID: id, To: "alice@example.org", Notices: backendtest.Samples()[:1]}
}

func class(err error) string {
	switch {
	case err == nil:
		return "sent"
	case errors.Is(err, backends.ErrRefused):
		return "refused"
	case errors.Is(err, backends.ErrUnavailable):
		return "unavailable"
	default:
		return "later"
	}
}

func at(stage fakesmtp.Stage, r fakesmtp.Reply) fakesmtp.Script {
	return func(s fakesmtp.Stage, _ string) fakesmtp.Reply {
		if s == stage {
			return r
		}
		return fakesmtp.Reply{}
	}
}

// What a server says at which step decides whose matter it is.
func TestFailureClasses(t *testing.T) {
	for _, c := range []struct {
		stage fakesmtp.Stage
		code  int
		enh   [3]int
		text  string
		want  string
	}{
		{fakesmtp.OnConnect, 554, [3]int{5, 7, 1}, "no service", "unavailable"},
		{fakesmtp.OnConnect, 421, [3]int{4, 3, 2}, "busy", "unavailable"},
		{fakesmtp.OnMail, 550, [3]int{5, 1, 8}, "bad sender", "unavailable"},
		{fakesmtp.OnMail, 530, [3]int{5, 7, 0}, "login first", "unavailable"},
		{fakesmtp.OnMail, 452, [3]int{4, 3, 1}, "disk full", "unavailable"},
		{fakesmtp.OnRcpt, 550, [3]int{5, 1, 1}, "no such user", "gone"},
		{fakesmtp.OnRcpt, 550, [3]int{5, 2, 1}, "mailbox closed", "gone"},
		{fakesmtp.OnRcpt, 550, [3]int{5, 2, 2}, "over quota", "refused"},
		{fakesmtp.OnRcpt, 550, [3]int{5, 3, 0}, "no room for anybody", "later"},
		{fakesmtp.OnRcpt, 550, [3]int{5, 4, 5}, "sending quota exceeded", "later"},
		{fakesmtp.OnRcpt, 551, [3]int{5, 1, 6}, "moved", "gone"},
		{fakesmtp.OnRcpt, 552, [3]int{5, 2, 2}, "mailbox full", "refused"},
		{fakesmtp.OnRcpt, 553, [3]int{5, 1, 3}, "bad mailbox", "gone"},
		{fakesmtp.OnRcpt, 554, [3]int{5, 7, 1}, "Relay access denied", "later"},
		{fakesmtp.OnRcpt, 550, [3]int{5, 0, 0}, "relaying not permitted", "later"},
		{fakesmtp.OnRcpt, 550, [3]int{5, 7, 25}, "your address has no name", "later"},
		{fakesmtp.OnRcpt, 530, [3]int{5, 7, 0}, "login first", "unavailable"},
		{fakesmtp.OnRcpt, 450, [3]int{4, 2, 1}, "greylisted", "later"},
		{fakesmtp.OnRcpt, 451, [3]int{4, 3, 0}, "lookup failed", "later"},
		{fakesmtp.OnRcpt, 452, [3]int{4, 2, 2}, "mailbox full", "later"},
		{fakesmtp.OnRcpt, 421, [3]int{4, 3, 2}, "shutting down", "unavailable"},
		{fakesmtp.OnData, 550, [3]int{5, 7, 1}, "spam", "refused"},
		{fakesmtp.OnData, 552, [3]int{5, 3, 4}, "too big", "refused"},
		{fakesmtp.OnData, 554, [3]int{5, 6, 0}, "bad content", "refused"},
		{fakesmtp.OnData, 451, [3]int{4, 3, 0}, "try later", "later"},
	} {
		t.Run(fmt.Sprintf("%s %d %s", c.stage, c.code, c.text), func(t *testing.T) {
			f := newFar(t, fakesmtp.Options{})
			b := newBackend(t, f.config())
			f.play(at(c.stage, fakesmtp.Reply{Code: c.code, Enhanced: c.enh, Text: c.text}))
			err := b.Send(t.Context(), sample("p"))
			got := class(err)
			if errors.Is(err, backends.ErrGone) {
				got = "gone"
			}
			if got != c.want {
				t.Errorf("Send = %v, which is %s, want %s", err, got, c.want)
			}
			if !strings.Contains(err.Error(), fmt.Sprint(c.code)) || !strings.Contains(err.Error(), c.text) {
				t.Errorf("the error %q lacks the server's code or words", err)
			}
			f.play(nil)
			if err := b.Send(t.Context(), sample("q")); err != nil {
				t.Errorf("the next Send = %v", err)
			}
		})
	}
}

// A refused recipient must not cost the connection, or a list with dead addresses would dial for each.
func TestRefusalKeepsTheConnection(t *testing.T) {
	f := newFar(t, fakesmtp.Options{})
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
	if n := f.sink.Connections(); n != 1 || len(f.messages()) != 5 {
		t.Errorf("%d connections, %d messages, want 1 and 5", n, len(f.messages()))
	}
}

// A reply may have several lines, and tell the address in more than one form.
func TestErrorsTellNoAddress(t *testing.T) {
	f := newFar(t, fakesmtp.Options{})
	b := newBackend(t, f.config())
	f.play(at(fakesmtp.OnRcpt, fakesmtp.Reply{
		Code: 550, Enhanced: [3]int{5, 1, 1}, Text: "<Alice@example.org>: no\nalice is no user, nor (alice) nor alice.b@corp.example\x07",
	}))
	err := b.Send(t.Context(), sample("x"))
	want := "send mail: sending SMTP RCPT TO command: 550 <…> no 5.1.1 <…> is no user, nor <…> nor <…>: address refused"
	if err == nil || err.Error() != want {
		t.Errorf("Send = %v\nwant   %s", err, want)
	}
}

func TestGreylisting(t *testing.T) {
	f := newFar(t, fakesmtp.Options{})
	var tries atomic.Int32
	f.play(func(s fakesmtp.Stage, _ string) fakesmtp.Reply {
		if s == fakesmtp.OnRcpt && tries.Add(1) < 3 {
			return fakesmtp.Reply{Code: 450, Enhanced: [3]int{4, 7, 1}, Text: "greylisted, come back later"}
		}
		return fakesmtp.Reply{}
	})
	b := newBackend(t, f.config())
	for i, want := range []string{"later", "later", "sent"} {
		if err := b.Send(t.Context(), sample("grey")); class(err) != want {
			t.Errorf("try %d: %v, want %s", i, err, want)
		}
	}
	if len(f.messages()) != 1 {
		t.Errorf("%d messages", len(f.messages()))
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
			f := newFar(t, fakesmtp.Options{})
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
	f := newFar(t, fakesmtp.Options{})
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
			f.sink.CutConnections()
		}
	}
	if n := len(f.messages()); n != 20 {
		t.Errorf("%d messages, want 20", n)
	}
}

// An idle server says 421 and closes, which the client sees when it next speaks (RFC 5321, section 3.8).
func TestServerClosesIdleWith421(t *testing.T) {
	f := newFar(t, fakesmtp.Options{})
	b := newBackend(t, f.config())
	var once atomic.Bool
	f.play(func(s fakesmtp.Stage, _ string) fakesmtp.Reply {
		if s == fakesmtp.OnMail && len(f.sink.Messages()) == 1 && once.CompareAndSwap(false, true) {
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

// Servers that misbehave below SMTP: each must give an error within the timeout and be the medium's failure.
func TestHostileServer(t *testing.T) {
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
			for lines := strings.Repeat("220-more\r\n", 1000); ; { // one by one, a slow machine takes longer than the timeout
				if _, err := c.Write([]byte(lines)); err != nil {
					return
				}
			}
		}},
		{"repeats the login", func(c net.Conn) { fmt.Fprintf(c, "554 go away user sesame alice@example.org c2VzYW1l\r\n") }},
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
			if took := time.Since(start); took > 4*time.Second {
				t.Errorf("it took %v with a timeout of 1 s", took)
			}
			if s := err.Error(); len(s) > 600 || strings.Contains(s, "sesame") || strings.Contains(s, "@") || strings.Contains(s, "c2VzYW1l") {
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
			c.SetDeadline(time.Now().Add(10 * time.Second))
			f(c)
			c.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return l.Addr().(*net.TCPAddr).Port
}
