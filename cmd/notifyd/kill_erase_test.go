package main

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/internal/exectest"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
)

// TestKilledWhileDeleting kills `notifyd user delete` at random moments: of each person all is left or nothing. The
// next daemon wipes what is owed: then no byte of those who are gone is in the file or its log.
func TestKilledWhileDeleting(t *testing.T) {
	for name, dsn := range map[string]func(t *testing.T) string{
		"sqlite":   func(t *testing.T) string { return filepath.Join(t.TempDir(), "notifyd.db") },
		"postgres": func(t *testing.T) string { return migratest.Postgres(t) },
	} {
		t.Run(name, func(t *testing.T) { killWhileDeleting(t, dsn(t), name == "sqlite") })
	}
}

const rowsOfOne = 600 // so that a deletion takes a while

func killWhileDeleting(t *testing.T, dsn string, file bool) {
	const rounds = 6
	port := exectest.FreePort(t)
	config := writeFile(t, t.TempDir(), "notifyd.yaml", "database: {dsn: '"+dsn+"'}", "web: {listen: ''}",
		fmt.Sprintf("metrics: {listen: '127.0.0.1:%d'}", port))
	var gone, left []string
	withDatabase(t, dsn, func(*migrations.DB) error { return nil }) // makes the tables
	for i := range rounds {
		name := fmt.Sprintf("zyzzyva%c", 'a'+i)
		withDatabase(t, dsn, func(d *migrations.DB) error { return settleOne(t, d, name) })
		verb := exectest.Start(t, exec.Command(buildNotifyd(t), "--config", config, "user", "delete", name, "--yes"))
		pause(t, randomDuration(t, 800*time.Millisecond))
		verb.Kill()
		rows := 0
		withDatabase(t, dsn, func(d *migrations.DB) (err error) {
			rows, err = rowsAbout(d, name)
			return err
		})
		switch {
		case rows == 0:
			gone = append(gone, name)
		case rows < rowsOfOne:
			t.Errorf("half of %s: %d rows", name, rows)
		default:
			left = append(left, name)
		}
	}
	t.Logf("%d deletions were over when they were killed, %d had not happened", len(gone), len(left))
	for _, name := range left[:len(left)/2] { // one is whole in any case
		out, err := exec.Command(buildNotifyd(t), "--config", config, "user", "delete", name, "--yes").CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		gone, left = append(gone, name), left[1:]
	}
	daemon := exectest.Start(t, exec.Command(buildNotifyd(t), "--config", config, "serve"))
	waitReady(t, daemon, port)
	exectest.Eventually(t, 30*time.Second, "the last traces are wiped", func() bool {
		var owed int64
		withDatabase(t, dsn, func(d *migrations.DB) error {
			return d.Reader.Raw("SELECT count(*) FROM erasures WHERE NOT scrubbed").Scan(&owed).Error
		})
		return owed == 0
	})
	if file {
		for _, name := range gone {
			if where := bytesIn(t, dsn, name); where != "" {
				t.Errorf("%s has something of %s, who is gone", where, name)
			}
		}
		for _, name := range left {
			if bytesIn(t, dsn, name) == "" {
				t.Errorf("nothing is left of %s, who is not gone", name)
			}
		}
	}
	if status := daemon.Stop(t); status != 0 {
		t.Errorf("exit status %d", status)
	}
}

// settleOne makes a person to whom many notices were sent.
func settleOne(t *testing.T, d *migrations.DB, name string) error {
	user, err := openPrefs(d).Accounts.Register(t.Context(), name, "", "email", name+"@example.org")
	if err != nil {
		return err
	}
	own, err := openPrefs(d).Destinations.List(t.Context(), user.ID)
	if err != nil {
		return err
	}
	o := outbox.New(d.Writer, d.Reader, d.Postgres, outbox.Config{}, time.Now, rand.Reader)
	var owed []outbox.Delivery
	for i := range rowsOfOne {
		owed = append(owed, outbox.Delivery{Message: fmt.Sprint(name, i), Destination: prefs.Key(own[0].ID), Backend: "email",
			Address: own[0].Address, DueAt: time.Now().Add(time.Hour),
			Notice: backends.Notice{Title: name, Text: strings.Repeat(name+" ", 50)}})
	}
	err = d.Writer.Transaction(func(tx *gorm.DB) error { _, err := o.Add(tx, owed); return err })
	if err != nil {
		return err
	}
	return o.CancelOne(t.Context(), prefs.Key(own[0].ID), "refused")
}

// rowsAbout counts what is stored about a person: the account, its address, and deliveries.
func rowsAbout(d *migrations.DB, name string) (int, error) {
	n := 0
	err := d.Reader.Raw("SELECT (SELECT count(*) FROM users WHERE name = ?) + "+
		"(SELECT count(*) FROM destinations WHERE address = ?) + (SELECT count(*) FROM lanes WHERE address = ?)",
		name, name+"@example.org", name+"@example.org").Scan(&n).Error
	return n, err
}

// bytesIn gives the file of a database in which a text is: the file itself, or its log.
func bytesIn(t *testing.T, dsn, text string) string {
	t.Helper()
	for _, name := range []string{dsn, dsn + "-wal"} {
		content, err := os.ReadFile(name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		if bytes.Contains(content, []byte(text)) {
			return name
		}
	}
	return ""
}
