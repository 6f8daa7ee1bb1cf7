package daemon

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/cmd/notifyd/config"
	"github.com/notifyd/notifyd/internal/exectest"
	"github.com/notifyd/notifyd/outbox"
)

// testEnv is an Env whose log goes to a buffer.
func testEnv() (Env, *bytes.Buffer) {
	log := &bytes.Buffer{}
	return Env{Now: time.Now, Stderr: log, Version: "test"}, log
}

// writeFile writes a file of the test and returns its path.
func writeFile(t testing.TB, folder, name string, lines ...string) string {
	t.Helper()
	path := filepath.Join(folder, name)
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// openConfig opens a daemon with the lines of a configuration.
func openConfig(t *testing.T, lines ...string) (s *Service, log *bytes.Buffer, err error) {
	t.Helper()
	f, err := config.Read(writeFile(t, t.TempDir(), "notifyd.yaml", lines...), nil)
	if err != nil {
		t.Fatal(err)
	}
	env, log := testEnv()
	s, err = Open(t.Context(), f, env)
	return s, log, err
}

func openTestService(t *testing.T, dsn string) (*Service, error) {
	t.Helper()
	s, _, err := openConfig(t, "database: {dsn: '"+dsn+"'}", "web: {listen: ''}", "metrics: {listen: ''}")
	return s, err
}

// TestMailedReportsAreCheckedAtTheStart: what cannot be mailed is said at the start, not when it is due.
func TestMailedReportsAreCheckedAtTheStart(t *testing.T) {
	base := []string{"database: {dsn: '" + filepath.Join(t.TempDir(), "notifyd.db") + "'}", "web: {listen: ''}",
		"metrics: {listen: ''}"}
	mail := "reports: {mail: [{report: %s, to: [devel@example.org], at: 'mon 07:00'}]}"
	for want, lines := range map[string][]string{
		"expected a section backends.email": {fmt.Sprintf(mail, "this-week")},
		`there is no report "that-week"`: {fmt.Sprintf(mail, "that-week"),
			"backends: {email: {host: mx.example.org, from: n@example.org}}"},
	} {
		s, _, err := openConfig(t, append(lines, base...)...)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Open = %v, want %s", err, want)
		}
		if err == nil {
			s.Close()
		}
	}
}

func TestOneDaemonOnAnSQLiteFile(t *testing.T) {
	dsn := filepath.Join(t.TempDir(), "notifyd.db")
	first, err := openTestService(t, dsn)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := openTestService(t, dsn); err == nil || !strings.Contains(err.Error(),
		fmt.Sprintf("process %d ", os.Getpid())) {
		t.Errorf("a second daemon on the same file: %v, want a refusal that names the first", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := openTestService(t, dsn)
	if err != nil {
		t.Fatalf("after the first has ended: %v", err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}

// TestNotReadyWhileNothingIsStored checks /readyz while the disk is full: reading works, storing does not.
func TestNotReadyWhileNothingIsStored(t *testing.T) {
	s, err := openTestService(t, filepath.Join(t.TempDir(), "notifyd.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
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

// TestGoneEndsWhatWaits: a server answers that an address will never accept anything. The destination is disabled and
// its waiting deliveries end. Where the destination was deleted in the meantime, its deliveries end as well, and no
// alarm is logged.
func TestGoneEndsWhatWaits(t *testing.T) {
	for _, deleted := range []bool{false, true} {
		t.Run(map[bool]string{false: "there", true: "deleted"}[deleted], func(t *testing.T) {
			s, err := openTestService(t, filepath.Join(t.TempDir(), "notifyd.db"))
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			log := &bytes.Buffer{}
			s.log = slog.New(slog.NewTextHandler(log, nil))
			user, err := s.prefs.Accounts.Register(t.Context(), "", "", "email", "alice@example.org")
			if err != nil {
				t.Fatal(err)
			}
			if deleted {
				if err := s.prefs.Accounts.Delete(t.Context(), user.ID); err != nil {
					t.Fatal(err)
				}
			}
			late := outbox.Delivery{Message: "m1", Destination: "1", Backend: "email", Address: "alice@example.org",
				DueAt: time.Now().Add(time.Hour)}
			if err := s.queue(t.Context(), late); err != nil {
				t.Fatal(err)
			}
			s.gone(t.Context(), "1", "550 no such user")
			rows, err := s.outbox.OfMessage(t.Context(), "m1", []string{"1"})
			if err != nil || len(rows) != 1 || rows[0].State != outbox.Dead || log.Len() > 0 {
				t.Errorf("what waits: %+v, %v; log: %s", rows, err, log)
			}
			if ds, err := s.prefs.Destinations.List(t.Context(), user.ID); err != nil || !deleted &&
				ds[0].Disabled != "it does not exist: 550 no such user" {
				t.Errorf("destinations: %+v, %v", ds, err)
			}
		})
	}
}
