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
	mutes "github.com/notifyd/notifyd/prefs/mute"
	"github.com/notifyd/notifyd/prefs/returned"
	"github.com/notifyd/notifyd/rulespec"
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
		rows, all := killOnce(t, dsn, config, name)
		switch {
		case rows == 0:
			gone = append(gone, name)
		case rows != all:
			t.Errorf("half of %s: %d rows of %d", name, rows, all)
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

// killOnce kills the deletion of a person, and gives how many rows are left of all that there were.
func killOnce(t *testing.T, dsn, config, name string) (rows, all int) {
	t.Helper()
	who := person{name: name}
	withDatabase(t, dsn, func(d *migrations.DB) (err error) {
		if who.id, err = settleOne(t, d, name); err == nil {
			all, err = rowsAbout(t, d, who)
		}
		return err
	})
	verb := exectest.Start(t, exec.Command(buildNotifyd(t), "--config", config, "user", "delete", name, "--yes"))
	pause(t, randomDuration(t, 800*time.Millisecond))
	verb.Kill()
	withDatabase(t, dsn, func(d *migrations.DB) (err error) {
		rows, err = rowsAbout(t, d, who)
		return err
	})
	return rows, all
}

// A person is one whose account is deleted.
type person struct {
	id   uint
	name string
}

// settleOne makes a person to whom many notices were sent, with a filter, a mute, and mail that came back.
func settleOne(t *testing.T, d *migrations.DB, name string) (uint, error) {
	user, err := openPrefs(d).Accounts.Register(t.Context(), name, "", "email", name+"@example.org")
	if err != nil {
		return 0, err
	}
	own, err := openPrefs(d).Destinations.List(t.Context(), user.ID)
	if err != nil {
		return 0, err
	}
	filter := prefs.Filter{On: true, Filter: rulespec.Filter{Name: name, Rules: []rulespec.Rule{{Kind: "everything"}}}}
	if _, err := openPrefs(d).Filters.Save(t.Context(), user.ID, filter); err != nil {
		return 0, err
	}
	about := mutes.Mute{Kind: mutes.Package, Value: name, Ends: time.Now().Add(24 * time.Hour)}
	if _, _, err := openPrefs(d).Mutes.Make(t.Context(), user.ID, about, "page"); err != nil {
		return 0, err
	}
	back := returned.Event{Parcel: name, Kind: returned.Soft, Words: name, At: time.Now()}
	if _, err := returned.Note(d.Writer, own[0].ID, back); err != nil {
		return 0, err
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
		return 0, err
	}
	return user.ID, o.CancelOne(t.Context(), prefs.Key(own[0].ID), "refused")
}

// rowsAbout counts what is stored about a person: the account and what it has, deliveries, their queue and their texts.
// Each table must have its rows, or else all of them none.
func rowsAbout(t *testing.T, d *migrations.DB, who person) (sum int, _ error) {
	address := who.name + "@example.org"
	text := who.name + "%"
	var all []struct {
		Of string
		N  int
	}
	// in one statement, so as they were at one moment; deliveries are found by their text as well, without their queue
	err := d.Reader.Raw(`SELECT 'users' AS of, count(*) AS n FROM users WHERE id = @id OR name = @name
		UNION ALL SELECT 'destinations', count(*) FROM destinations WHERE address = @address
		UNION ALL SELECT 'filters', count(*) FROM filters WHERE user_id = @id
		UNION ALL SELECT 'filter_revisions', count(*) FROM filter_revisions WHERE user_id = @id
		UNION ALL SELECT 'mutes', count(*) FROM mutes WHERE user_id = @id
		UNION ALL SELECT 'returned_mail', count(*) FROM returned_mail WHERE words = @name
		UNION ALL SELECT 'lanes', count(*) FROM lanes WHERE address = @address
		UNION ALL SELECT 'deliveries', count(*) FROM deliveries WHERE
			content IN (SELECT id FROM contents WHERE message LIKE @text) OR
			lane IN (SELECT id FROM lanes WHERE address = @address)
		UNION ALL SELECT 'contents', count(*) FROM contents WHERE message LIKE @text`,
		map[string]any{"id": who.id, "name": who.name, "address": address, "text": text}).Scan(&all).Error
	counts := map[string]int{}
	for _, one := range all {
		counts[one.Of], sum = one.N, sum+one.N
	}
	for table, n := range counts {
		if sum > 0 && (n == 0 || n < rowsOfOne && (table == "deliveries" || table == "contents")) {
			t.Errorf("of %s there are %v: some of %s are gone", who.name, counts, table)
		}
	}
	return sum, err
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
