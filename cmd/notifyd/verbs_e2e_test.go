package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/backends/email/fakesmtp"
	"github.com/notifyd/notifyd/internal/exectest"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
)

// TestVerbsBesideTheDaemon: an operator works on accounts while the daemon runs. On an SQLite file the daemon does it,
// behind its socket; on PostgreSQL the command. The owner is told by mail of what was done.
func TestVerbsBesideTheDaemon(t *testing.T) {
	for name, dsn := range map[string]func(t *testing.T) string{
		"sqlite":   func(t *testing.T) string { return filepath.Join(t.TempDir(), "n.db") },
		"postgres": func(t *testing.T) string { return migratest.Postgres(t) },
	} {
		t.Run(name, func(t *testing.T) {
			database := dsn(t)
			smtp := startSMTP(t, fakesmtp.Options{})
			giveUsers(t, database, "alice", "bob")
			port := exectest.FreePort(t)
			config := writeFile(t, t.TempDir(), "notifyd.yaml", "database: {dsn: '"+database+"'}",
				"web: {listen: ''}", fmt.Sprintf("metrics: {listen: '127.0.0.1:%d'}", port), "outbox: {poll: 500ms}",
				fmt.Sprintf("backends: {email: {host: 127.0.0.1, port: %d, tls: none, from: notifyd@example.org}}",
					smtp.Addr().Port))
			daemon := exectest.Start(t, exec.Command(buildNotifyd(t), "--config", config, "serve"))
			waitReady(t, daemon, port)
			if name == "sqlite" { // from where there is no database, so it must be the daemon
				far := t.TempDir()
				config = writeFile(t, far, "far.yaml", "database: {dsn: '"+filepath.Join(far, "none.db")+"'}",
					"admin: {socket: '"+database+".sock'}")
			}
			run := func(want string, args ...string) {
				t.Helper()
				out, err := exec.Command(buildNotifyd(t), append([]string{"--config", config}, args...)...).CombinedOutput()
				if err != nil || !strings.Contains(string(out), want) {
					t.Errorf("%s: %v: %s; want %q", args, err, out, want)
				}
			}
			run(`"name":"bob"`, "user", "list", "--json")
			run("ntf_", "user", "token", "new", "alice", "laptop")
			run("is off", "filter", "off", "1", "--reason", "too loud")
			run("0 sessions", "user", "end-sessions", "alice")
			run("an operator at the command line", "user", "audit", "alice")
			archive := filepath.Join(t.TempDir(), "bob.zip")
			run("", "user", "export", "bob", "-o", archive)
			if info, err := os.Stat(archive); err != nil || info.Size() < 1000 || info.Mode().Perm() != 0o600 {
				t.Errorf("the archive: %v, %v", info, err)
			}
			run("is deleted", "user", "delete", "bob", "--yes")
			for _, told := range []string{"token was made", "switched off your filter", "ended all your sessions"} {
				exectest.Eventually(t, 30*time.Second, "alice is told: "+told, func() bool {
					for _, m := range smtp.Messages() {
						if strings.HasPrefix(m.To[0], "alice@") && strings.Contains(unfolded(m.Data), told) {
							return true
						}
					}
					return false
				})
			}
			if status := daemon.Stop(t); status != 0 {
				t.Errorf("exit status %d", status)
			}
			withDatabase(t, database, func(d *migrations.DB) error {
				rows, err := rowsAbout(t, d, person{id: 2, name: "bob"})
				if rows != 0 {
					t.Errorf("%d rows of bob are left", rows)
				}
				return err
			})
			if _, err := os.Stat(database + ".sock"); err == nil {
				t.Error("the socket is left after an orderly stop")
			}
		})
	}
}

// unfolded gives a mail with its long header lines in one.
func unfolded(mail []byte) string { return strings.ReplaceAll(string(mail), "\r\n ", " ") }
