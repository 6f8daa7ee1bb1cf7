package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/backends/email/fakesmtp"
	"github.com/notifyd/notifyd/bus/zmq"
	"github.com/notifyd/notifyd/internal/exectest"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
)

// TestStopWithinItsTime stops the real daemon while a mail server never answers, a client has sent half a request,
// and the database may hang. The daemon ends in time and reports what was lost. Committed deliveries are sent after
// the next start.
func TestStopWithinItsTime(t *testing.T) {
	for _, c := range []struct {
		name   string
		dsn    func(t *testing.T) string
		hangs  string // a statement that makes the database hang for all others; "": it does not hang
		status int
	}{
		{"sqlite", sqliteFile, "", 0},
		{"sqlite hangs", sqliteFile, "SELECT 1", 1}, // a transaction that may write is enough
		{"postgres hangs", func(t *testing.T) string { return migratest.Postgres(t) },
			"LOCK TABLE messages, deliveries, lanes IN ACCESS EXCLUSIVE MODE", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			dsn := c.dsn(t)
			givePreferences(t, dsn)
			publisher := startOwnPublisher(t)
			mute := startMute(t)
			config, port := stopConfig(t, dsn, publisher.Addr(), mute.Addr().(*net.TCPAddr).Port)
			daemon := exectest.Start(t, exec.Command(buildNotifyd(t), "--config", config, "serve"))
			waitReady(t, daemon, port)
			halfRequest(t, port)
			publish := func(id string) {
				if err := publisher.WaitSubscribed(t.Context(), ""); err != nil {
					t.Fatal(err)
				}
				_, err := publisher.Publish("org.example.test.git.receive",
					fmt.Appendf(nil, `{"topic":"org.example.test.git.receive","msg":{},"msg_id":%q,"timestamp":1}`, id))
				if err != nil {
					t.Fatal(err)
				}
			}
			publish("2026-committed")
			<-mute.called
			release := func() {}
			if c.hangs != "" {
				release = hang(t, dsn, c.hangs)
				publish("2026-received")
				pause(t, 500*time.Millisecond) // time for the router to receive it; a database that hangs cannot be queried
			}
			began := time.Now()
			if status := daemon.Stop(t); status != c.status {
				t.Errorf("exit status %d, want %d", status, c.status)
			}
			if took := time.Since(began); took > 5*time.Second { // stop.within and a second for a busy machine
				t.Errorf("the stop took %s, want 4 s at most", took)
			}
			if c.hangs != "" && !strings.Contains(daemon.Text(), "not stored") && !strings.Contains(daemon.Text(), "router") {
				t.Errorf("nobody is told what was lost: %s", daemon.Text())
			}
			release()
			if n := owed(t, dsn); n != 1 {
				t.Errorf("%d deliveries are owed, want the one that was committed", n)
			}
			if strings.HasPrefix(dsn, "postgres") {
				return // it is taken up after the lease
			}
			smtp := startSMTP(t, fakesmtp.Options{})
			config, port = stopConfig(t, dsn, publisher.Addr(), smtp.Addr().Port)
			again := exectest.Start(t, exec.Command(buildNotifyd(t), "--config", config, "serve"))
			waitReady(t, again, port)
			exectest.Eventually(t, 30*time.Second, "what was committed arrives", func() bool {
				return slices.ContainsFunc(smtp.Messages(), func(m fakesmtp.Message) bool {
					return strings.Contains(string(m.Data),
						"2026-committed")
				})
			})
			if status := again.Stop(t); status != 0 {
				t.Errorf("exit status %d after an orderly stop, want 0", status)
			}
		})
	}
}

func sqliteFile(t *testing.T) string { return filepath.Join(t.TempDir(), "notifyd.db") }

func stopConfig(t *testing.T, dsn, busAddress string, mailPort int) (path string, metricsPort int) {
	metricsPort = exectest.FreePort(t)
	return writeFile(t, t.TempDir(), "notifyd.yaml",
		"database: {dsn: '"+dsn+"'}",
		"stop: {within: 4s}",
		"web: {listen: ''}",
		fmt.Sprintf("metrics: {listen: '127.0.0.1:%d'}", metricsPort),
		"bus: {zmq: {endpoints: {test: '"+busAddress+"'}}}",
		fmt.Sprintf("backends: {email: {host: 127.0.0.1, port: %d, tls: none, from: notifyd@example.org}}", mailPort),
	), metricsPort
}

// startOwnPublisher binds our own PUB socket.
func startOwnPublisher(t *testing.T) *zmq.Publisher {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	p, err := zmq.Bind(ctx, "tcp://127.0.0.1:0", zmq.PublisherConfig{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-ended })
	return p
}

// A mute accepts connections and never sends anything.
type mute struct {
	net.Listener
	called chan struct{} // closed at the first connection
}

func startMute(t *testing.T) *mute {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := &mute{l, make(chan struct{})}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for n := 0; ; n++ {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			defer conn.Close()
			if n == 0 {
				close(m.called)
			}
		}
	}()
	t.Cleanup(func() { l.Close(); <-ended })
	return m
}

// halfRequest sends the first half of a request to the operators' port.
func halfRequest(t *testing.T, port int) {
	t.Helper()
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if _, err := io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: x\r\n"); err != nil {
		t.Fatal(err)
	}
}

// hang begins a transaction that blocks all others until release is called.
func hang(t *testing.T, dsn, statement string) (release func()) {
	t.Helper()
	d, err := migrations.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	tx := d.Writer.Begin()
	if err := tx.Exec(statement).Error; err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := errors.Join(tx.Rollback().Error, d.Close()); err != nil {
			t.Error(err)
		}
	}
}
