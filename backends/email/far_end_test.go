package email

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/backends/backendtest"
	"github.com/notifyd/notifyd/backends/email/fakesmtp"
	"github.com/notifyd/notifyd/internal/exectest"
)

// farEnd is a fake mail server that can go down and come up again on one port, and what it received in all its lives.
type farEnd struct {
	t       testing.TB
	options fakesmtp.Options

	mu      sync.Mutex
	smtp    *fakesmtp.Server
	stop    func()
	earlier []fakesmtp.Message
	script  fakesmtp.Script
}

func newFarEnd(t testing.TB, o fakesmtp.Options) *farEnd {
	t.Helper()
	f := &farEnd{t: t, options: o, script: o.Script}
	f.options.Address = fmt.Sprintf("127.0.0.1:%d", exectest.FreePort(t))
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
	t.Cleanup(f.down)
	return f
}

func (f *farEnd) up() {
	var s *fakesmtp.Server
	// While it was down, somebody's connection may have been given its port, for a moment.
	eventually(f.t, "the port "+f.options.Address+" is free", func() (ok bool) {
		opened, err := fakesmtp.Open(f.options)
		if err != nil && !errors.Is(err, syscall.EADDRINUSE) {
			f.t.Fatal(err)
		}
		s = opened
		return err == nil
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.script = nil
	f.smtp = s
	f.stop = func() {
		cancel()
		if err := <-done; err != nil {
			f.t.Errorf("mail server: %v", err)
		}
	}
}

func (f *farEnd) down() {
	f.mu.Lock()
	stop, smtp := f.stop, f.smtp
	f.stop = nil
	f.mu.Unlock()
	if stop == nil {
		return
	}
	stop()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.earlier = append(f.earlier, smtp.Messages()...)
}

func (f *farEnd) play(s fakesmtp.Script) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.script = s
}

func (f *farEnd) messages() []fakesmtp.Message {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.stop == nil {
		return f.earlier
	}
	return append(slices.Clone(f.earlier), f.smtp.Messages()...)
}

func (f *farEnd) config() Config {
	return Config{
		Host: "127.0.0.1", Port: f.smtp.Addr().Port, TLS: TLSNone, From: "notifyd@example.org",
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

func sample(id string) backends.Parcel {
	return backends.Parcel{ID: id, To: "alice@example.org", Notices: backendtest.Samples()[:1]}
}

func at(stage fakesmtp.Stage, r fakesmtp.Reply) fakesmtp.Script {
	return func(s fakesmtp.Stage, _ string) fakesmtp.Reply {
		if s == stage {
			return r
		}
		return fakesmtp.Reply{}
	}
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

// patience is how long a test waits for what must come, on a busy machine too.
const patience = 30 * time.Second

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	exectest.Eventually(t, patience, what, ok)
}
