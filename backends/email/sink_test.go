package email

import (
	"context"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/backends/backendtest"
	"github.com/notifyd/notifyd/backends/email/fakesmtp"
	"github.com/notifyd/notifyd/internal/text"
)

// far is the far end of the medium: a sink that can go down and up on one port, and what its lives received.
type far struct {
	t       testing.TB
	options fakesmtp.Options

	mu      sync.Mutex
	sink    *fakesmtp.Server
	stop    func()
	earlier []fakesmtp.Message
	conns   int
	script  fakesmtp.Script
}

func newFar(t testing.TB, o fakesmtp.Options) *far {
	t.Helper()
	f := &far{t: t, options: o, script: o.Script}
	f.options.Script = func(s fakesmtp.Stage, a string) fakesmtp.Reply {
		f.mu.Lock()
		script := f.script
		f.mu.Unlock()
		if script == nil {
			return fakesmtp.Reply{}
		}
		return script(s, a)
	}
	f.up()
	f.options.Address = f.sink.Addr().String()
	t.Cleanup(f.down)
	return f
}

func (f *far) up() {
	var s *fakesmtp.Server
	var err error
	for range 50 { // the port may still be held for a moment
		if s, err = fakesmtp.Open(f.options); err == nil {
			break
		}
	}
	if err != nil {
		f.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.script = nil
	f.sink = s
	f.stop = func() {
		cancel()
		if err := <-done; err != nil {
			f.t.Errorf("sink: %v", err)
		}
	}
}

func (f *far) down() {
	f.mu.Lock()
	stop, sink := f.stop, f.sink
	f.stop = nil
	f.mu.Unlock()
	if stop == nil {
		return
	}
	stop()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.earlier = append(f.earlier, sink.Messages()...)
	f.conns += sink.Connections()
}

func (f *far) play(s fakesmtp.Script) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.script = s
}

func (f *far) messages() []fakesmtp.Message {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.stop == nil {
		return f.earlier
	}
	return append(slices.Clone(f.earlier), f.sink.Messages()...)
}

func (f *far) config() Config {
	return Config{
		Host: "127.0.0.1", Port: f.sink.Addr().Port, TLS: TLSNone, From: "notifyd@example.org",
		ListDomain: "lists.example.org", Timeout: 10 * time.Second,
	}
}

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// noon is the Date of every message in the tests.
func noon() time.Time { return time.Date(2026, time.March, 4, 12, 0, 0, 0, time.UTC) }

func newBackend(t testing.TB, c Config) *Backend {
	t.Helper()
	b, err := New(c, quiet, noon)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.pool.close)
	return b
}

// receipts are the messages as the kit wants them.
func receipts(t testing.TB, ms []fakesmtp.Message) []backendtest.Receipt {
	var out []backendtest.Receipt
	for _, m := range ms {
		p, err := parse(m.Data)
		if err != nil {
			t.Errorf("a message cannot be parsed: %v\n%.2000s", err, m.Data)
			continue
		}
		// The title is in the subject, the contents and the text; the kit counts it.
		text := strings.Join(strings.Fields(p.text), " ")
		out = append(out, backendtest.Receipt{To: m.To[0], ID: p.get("Message-Id"), Text: text})
	}
	return out
}

func TestConformance(t *testing.T) {
	backendtest.Run(t, func(t *testing.T) backendtest.Fixture {
		cert := selfSigned(t)
		f := newFar(t, fakesmtp.Options{
			TLS: cert.server, MaxBytes: 20 << 20,
			Login: func(u, p string) bool { return u == "notifyd-login" && p == "open-sesame" },
		})
		f.play(func(s fakesmtp.Stage, a string) fakesmtp.Reply {
			if s == fakesmtp.OnRcpt && a == "gone@example.org" {
				return fakesmtp.Reply{Code: 550, Text: "<gone@example.org>: user gone is unknown", Enhanced: [3]int{5, 1, 1}}
			}
			return fakesmtp.Reply{}
		})
		c := f.config()
		c.TLS, c.CAFile, c.Username, c.Password = TLSStart, cert.file, "notifyd-login", "open-sesame"
		c.Timeout = 2 * time.Second
		return backendtest.Fixture{
			Backend: newBackend(t, c), Info: Info, To: "alice@example.org", Refused: "gone@example.org",
			Secrets: []string{"notifyd-login", "open-sesame"}, Whole: true,
			Received: func() []backendtest.Receipt { return receipts(t, f.messages()) },
			Down:     f.down, Up: f.up,
			Stall: func() {
				f.play(func(fakesmtp.Stage, string) fakesmtp.Reply { return fakesmtp.Reply{Delay: time.Minute} })
			},
			Intact: func(t testing.TB) { checkIntact(t, f.messages()) },
		}
	})
}

// known are the headers that a message may have.
var known = []string{
	"From", "To", "Date", "Subject", "Message-Id", "Mime-Version", "Content-Type", "Auto-Submitted", "Precedence",
	"X-Auto-Response-Suppress", "List-Id", "List-Unsubscribe", "List-Unsubscribe-Post", "In-Reply-To", "References",
	"X-Notifyd-Topic", "X-Notifyd-App", "X-Notifyd-Kind", "X-Notifyd-Package", "X-Notifyd-Package-Count", "X-Notifyd-User",
	"X-Notifyd-Actor", "X-Notifyd-Severity", "X-Notifyd-Message-Id", "X-Notifyd-Reason", "X-Notifyd-Count",
	"X-Fedmsg-Topic", "X-Fedmsg-Category", "X-Fedmsg-Username", "X-Fedmsg-Package", "X-Fedmsg-Num-Packages",
	"Received", "Return-Path", "Delivered-To", "X-Original-To",
}

// checkIntact: every message went to one recipient, is one message with the known headers, two parts and short lines.
func checkIntact(t testing.TB, ms []fakesmtp.Message) {
	t.Helper()
	for _, m := range ms {
		if len(m.To) != 1 || m.From != "notifyd@example.org" {
			t.Errorf("envelope: from %q to %q", m.From, m.To)
		}
		checkMessage(t, m.Data)
	}
}

func checkMessage(t testing.TB, data []byte) {
	t.Helper()
	p, err := parse(data)
	if err != nil {
		t.Errorf("%v in\n%.2000s", err, data)
		return
	}
	for name, values := range p.header {
		if !slices.Contains(known, name) {
			t.Errorf("unknown header %q: %q", name, values)
		}
		limit := 1
		if strings.HasPrefix(name, "X-") {
			limit = maxValues
		}
		if len(values) > limit && name != "Received" {
			t.Errorf("%d headers %s", len(values), name)
		}
	}
	for line := range strings.SplitSeq(string(data), "\r\n") {
		if slices.Contains([]string{"Subject:", "Message-ID:", "List-Id:", "List-Unsubscribe:"}, line) {
			t.Errorf("a header folded behind its colon: %q", line)
		}
		if len(line) > 998 || strings.ContainsAny(line, "\r\n\x00") {
			t.Errorf("a line of %d bytes or with a bare line end: %.100q", len(line), line)
		}
		if i := strings.IndexFunc(line, func(r rune) bool { return r >= 0x80 }); i >= 0 {
			t.Errorf("not ASCII on the wire: %.100q", line)
		}
	}
	for _, bad := range []string{"<script", "<img", "onerror=alert(1)>", "=\"javascript:", "=\"data:", "=\"file:"} {
		if strings.Contains(p.html, bad) {
			t.Errorf("the HTML has %q", bad)
		}
	}
	for _, s := range []string{p.text, p.html} {
		if s != text.Clean(s) {
			t.Errorf("a control character in %q", s)
		}
	}
}

var _ backends.Backend = (*Backend)(nil)
