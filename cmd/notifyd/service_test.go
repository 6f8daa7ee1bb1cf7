package main

import (
	"bytes"
	"context"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/cmd/notifyd/config"
	"github.com/notifyd/notifyd/internal/exectest"
	"github.com/notifyd/notifyd/outbox"
)

func testEnv(t *testing.T) *env {
	return &env{ctx: t.Context(), stdin: strings.NewReader(""), stdout: &bytes.Buffer{}, stderr: &bytes.Buffer{}, now: time.Now}
}

func openTestService(t *testing.T, dsn string) (*service, error) {
	t.Helper()
	path := writeFile(t, t.TempDir(), "notifyd.yaml", "database: {dsn: '"+dsn+"'}", "web: {listen: ''}", "metrics: {listen: ''}")
	f, err := config.Read(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return newService(t.Context(), f, testEnv(t))
}

func TestOneDaemonOnAnSQLiteFile(t *testing.T) {
	dsn := filepath.Join(t.TempDir(), "notifyd.db")
	first, err := openTestService(t, dsn)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := openTestService(t, dsn); err == nil || !strings.Contains(err.Error(), "another notifyd runs on") {
		t.Errorf("a second daemon on the same file: %v, want a refusal", err)
	}
	if err := first.close(); err != nil {
		t.Fatal(err)
	}
	again, err := openTestService(t, dsn)
	if err != nil {
		t.Fatalf("after the first has ended: %v", err)
	}
	if err := again.close(); err != nil {
		t.Error(err)
	}
}

// TestStoppedWhileStarting has the service manager change its mind: that is no failure.
func TestStoppedWhileStarting(t *testing.T) {
	folder := t.TempDir()
	config := writeFile(t, folder, "notifyd.yaml", "database: {dsn: '"+filepath.Join(folder, "n.db")+"'}")
	e := testEnv(t)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	e.ctx = ctx
	if status := run(e, []string{"--config", config, "serve"}); status != 0 {
		t.Errorf("status %d, want 0: %s", status, e.stderr)
	}
}

// TestNotReadyWhileNothingIsStored holds /readyz against a disk that is full: reading works, storing does not.
func TestNotReadyWhileNothingIsStored(t *testing.T) {
	s, err := openTestService(t, filepath.Join(t.TempDir(), "notifyd.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	s.ready.Store(true)
	status := func() int {
		w := httptest.NewRecorder()
		s.operatorPages().ServeHTTP(w, httptest.NewRequest("GET", "/readyz", nil))
		return w.Code
	}
	if err := s.db.Writer.Exec("PRAGMA query_only = 1").Error; err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	routed := make(chan error, 1)
	m := &bus.Message{ID: "2026-1", Topic: "org.example.test.git.receive", Time: time.Now(), Body: map[string]any{}}
	payload, err := bus.Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	frame := bus.Frame{Source: "test", Topic: m.Topic, Payload: payload}
	go func() { routed <- s.router.persist(ctx, []bus.Frame{frame}) }()
	exectest.Eventually(t, 10*time.Second, "readyz says that nothing is stored", func() bool { return status() == 503 })
	if err := s.db.Writer.Exec("PRAGMA query_only = 0").Error; err != nil {
		t.Fatal(err)
	}
	if err := <-routed; err != nil {
		t.Fatal(err)
	}
	cancel()
	if got := status(); got != 200 {
		t.Errorf("readyz says %d after the message was stored, want 200", got)
	}
}

// TestSampleConfigurationIsWhole holds the annotated file against what the program knows: it is valid, and no key of the
// program's own sections is missing from it.
func TestSampleConfigurationIsWhole(t *testing.T) {
	sample := filepath.Join("..", "..", "contrib", "notifyd.yaml")
	e := testEnv(t)
	e.config = sample
	if err := (&configCheckCmd{}).Run(e); err != nil {
		t.Fatal(err)
	}
	if err := (&configPrintCmd{}).Run(e); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(sample)
	if err != nil {
		t.Fatal(err)
	}
	keys := regexp.MustCompile(`(?m)^\s*([a-z_]+):`)
	known := keys.FindAllStringSubmatch(e.stdout.(*bytes.Buffer).String(), -1)
	if len(known) < 20 {
		t.Fatalf("the program knows only %d keys", len(known))
	}
	for _, k := range known {
		if !regexp.MustCompile(`(?m)^[# ]*` + k[1] + `:`).Match(text) {
			t.Errorf("contrib/notifyd.yaml lacks %s", k[1])
		}
	}
}

// TestGoneEndsWhatWaits has a server say that an address will never take anything: the destination is disabled and what
// waits for it ends; where the destination was deleted meanwhile, what waits ends as well, and nobody is alarmed.
func TestGoneEndsWhatWaits(t *testing.T) {
	for _, deleted := range []bool{false, true} {
		t.Run(map[bool]string{false: "there", true: "deleted"}[deleted], func(t *testing.T) {
			s, err := openTestService(t, filepath.Join(t.TempDir(), "notifyd.db"))
			if err != nil {
				t.Fatal(err)
			}
			defer s.close()
			log := &bytes.Buffer{}
			s.log = slog.New(slog.NewTextHandler(log, nil))
			user, err := s.prefs.Register(t.Context(), "alice", "", "email", "alice@example.org")
			if err != nil {
				t.Fatal(err)
			}
			if deleted {
				if err := s.prefs.DeleteUser(t.Context(), user.ID); err != nil {
					t.Fatal(err)
				}
			}
			late := outbox.Delivery{Message: "m1", Destination: "1", Backend: "email", Address: "alice@example.org", DueAt: time.Now().Add(time.Hour)}
			if err := s.queue(t.Context(), late); err != nil {
				t.Fatal(err)
			}
			s.gone(t.Context(), "1", "550 no such user")
			rows, err := s.outbox.OfMessage(t.Context(), "m1", []string{"1"})
			if err != nil || len(rows) != 1 || rows[0].State != outbox.Dead || log.Len() > 0 {
				t.Errorf("what waits: %+v, %v; log: %s", rows, err, log)
			}
			if ds, err := s.prefs.Destinations(t.Context(), user.ID); err != nil || !deleted && ds[0].Disabled != "550 no such user" {
				t.Errorf("destinations: %+v, %v", ds, err)
			}
		})
	}
}
