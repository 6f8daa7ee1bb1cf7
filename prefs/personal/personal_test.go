package personal_test

import (
	"archive/zip"
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/backends/all"
	"github.com/notifyd/notifyd/backends/desktop"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/erasure"
	"github.com/notifyd/notifyd/prefs/personal"
	"github.com/notifyd/notifyd/prefs/schedule"
	"github.com/notifyd/notifyd/rulespec"
)

func TestMain(m *testing.M) { os.Exit(migratest.Main(m)) }

func try(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestEveryTableIsExportedOrSaysWhyNot: a table that is new is on one of the lists, and none of them names one that is
// not there.
func TestEveryTableIsExportedOrSaysWhyNot(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		listed := map[string]bool{}
		for _, one := range personal.Tables() {
			listed[one.Name] = true
		}
		for _, info := range all.Infos() {
			for _, name := range info.Keeps {
				listed[name] = true
			}
		}
		for name, why := range personal.Others() {
			if listed[name] || why == "" {
				t.Errorf("%s is exported, and %q", name, why)
			}
			listed[name] = true
		}
		tables, err := d.Reader.Migrator().GetTables()
		try(t, err)
		for _, name := range tables {
			if !listed[name] && !strings.HasPrefix(name, "sqlite_") && !strings.HasPrefix(name, "messages_") &&
				!strings.HasPrefix(name, "message_") {
				t.Errorf("the table %s: export it (personal.Tables), or say why not (personal.Others)", name)
			}
		}
		for name := range listed {
			if !slices.Contains(tables, name) && name != "message_ids" { // of PostgreSQL
				t.Errorf("there is no table %s", name)
			}
		}
	})
}

// A world is alice, who has something in each table, and bob, of whom nothing may be in her archive.
type world struct {
	*migrations.DB
	exporter *personal.Exporter
	alice    prefs.User
	secrets  []string
}

func newWorld(t *testing.T, d *migrations.DB, notices int) *world {
	t.Helper()
	store := prefs.Open(prefs.Config{Writer: d.Writer, Reader: d.Reader, Now: time.Now, Random: rand.Reader,
		ClaimedNames: func() bool { return true }})
	w := &world{DB: d, exporter: &personal.Exporter{Reader: d.Reader, Prefs: store, Backends: all.Infos(), Now: time.Now,
		Facts: func(u prefs.User) map[string]any { return personal.Facts(u, true, "helper") }}}
	o := outbox.New(d.Writer, d.Reader, d.Postgres, outbox.Config{}, time.Now, rand.Reader)
	for _, name := range []string{"alice", "bob"} {
		user, err := store.Accounts.Register(t.Context(), name, "Europe/Berlin", "email", name+"@example.org")
		try(t, err)
		irc, err := store.Destinations.Add(t.Context(), user.ID, "irc", name+"nick")
		try(t, err)
		bubbles, err := store.Destinations.Add(t.Context(), user.ID, "desktop", fmt.Sprint("user-", user.ID))
		try(t, err)
		proof, err := store.Destinations.NewCode(t.Context(), user.ID, bubbles.ID)
		try(t, err)
		try(t, store.Destinations.Confirm(t.Context(), user.ID, bubbles.ID, proof))
		code, err := store.Destinations.NewCode(t.Context(), user.ID, irc.ID)
		try(t, err)
		token, err := store.Tokens.New(t.Context(), user.ID, name+"'s laptop")
		try(t, err)
		link, err := store.Accounts.NewSignIn(t.Context(), name+"@example.org")
		try(t, err)
		own, err := store.Destinations.List(t.Context(), user.ID)
		try(t, err)
		try(t, store.Destinations.SetSchedule(t.Context(), user.ID, own[0].ID, schedule.Schedule{At: "07:00"}))
		_, err = store.Filters.Save(t.Context(), user.ID, prefs.Filter{On: true, Destinations: []uint{own[0].ID},
			Filter: rulespec.Filter{Name: name + "'s builds", Rules: []rulespec.Rule{{Kind: "everything"}}}})
		try(t, err)
		var owed []outbox.Delivery
		for i := range notices {
			owed = append(owed, outbox.Delivery{Message: fmt.Sprint(name, "-message-", i), Destination: prefs.Key(own[0].ID),
				Backend: "email", Address: own[0].Address, DueAt: time.Now(), Manage: "https://x.org/stop/swordfish" + name,
				Notice: backends.Notice{Title: name + "'s notice", Text: "text"}})
		}
		owed = append(owed, outbox.Delivery{Message: "account", Destination: outbox.Account + "email:" + own[0].Address,
			Backend: "email", Address: own[0].Address, Notice: backends.Notice{Title: "Your link", Text: link}})
		try(t, d.Writer.Transaction(func(tx *gorm.DB) error { _, err := o.Add(tx, owed); return err }))
		feed := desktop.New(d.Writer, d.Reader, time.Now)
		try(t, feed.Send(t.Context(), backends.Parcel{ID: name, To: fmt.Sprint("user-", user.ID),
			Notices: []backends.Notice{{ID: "1", Title: name + "'s bubble"}}}))
		for _, s := range []string{
			`INSERT INTO identities (user_id, issuer, subject, name, groups, created_at, used_at)
				VALUES (?, 'https://id.example.org', '%[1]s-subject', '%[1]s', '["%[1]s-group"]', 1, 1)`,
			`INSERT INTO logins (user_id, key_hash, way, identity_id, destination_id, sid, network, agent, created_at, used_at,
				fresh_at, expires_at) VALUES (?, 'hash-of-%[1]s', 'mail', 0, 0, '', '%[1]s-network', '', 1, 1, 1, 1)`,
			`INSERT INTO passkeys (user_id, credential_id, credential, name, created_at, used_at)
				VALUES (?, 'hash-of-%[1]s', '{"publicKey":"swordfish%[1]s"}', '%[1]s-phone', 1, 0)`,
			`INSERT INTO filter_schedules (filter_id, destination_id, every, at_count, at_time, weekdays, at_once_from,
				first_at_once) SELECT f.id, d.id, 0, 5, '', 0, '', false FROM filters f JOIN destinations d
				ON d.user_id = f.user_id WHERE f.user_id = ? AND f.name LIKE '%[1]s%%' AND d.backend = 'email'`,
			`INSERT INTO returned_mail (destination_id, parcel, kind, words, at)
				SELECT min(id), '%[1]s', 'full', 'over quota', 1 FROM destinations WHERE user_id = ?`,
			`INSERT INTO places (user_id, digest, seen_at) VALUES (?, 'hash-of-%[1]s', 1)`,
			`INSERT INTO undos (user_id, kind, data, created_at, expires_at, undone_at) VALUES (?, 'of-%[1]s', '{}', 1, 1, 0)`,
			`INSERT INTO mutes (user_id, kind, value, label, made_at, made_by, ends_at, until_solved, errors, ended_at,
				ended_by, silenced) VALUES (?, 'package', '%[1]s-package', '', 1, 'page', 2, false, true, 0, '', 3)`,
			`INSERT INTO fallbacks (destination_id, to_id, attempts, after, set_at)
				SELECT min(id), max(id), 3, 0, 1 FROM destinations WHERE user_id = ? AND address <> '%[1]s?'`,
			`INSERT INTO escalations (user_id, to_id, after, everywhere, set_at)
				SELECT id, 0, 0, true, 1 FROM users WHERE id = ? AND name <> '%[1]s?'`,
			`INSERT INTO names (name, skeleton, user_id, holder, since, until)
				VALUES ('%[1]s-once', '', ?, 'hash-of-%[1]s', 1, 0)`,
		} {
			try(t, d.Writer.Exec(fmt.Sprintf(s, name), user.ID).Error)
		}
		w.secrets = append(w.secrets, code, token, link, "hash-of-"+name, "swordfish"+name)
		if name == "alice" {
			w.alice = user
		}
	}
	return w
}

// export gives the files of alice's archive.
func (w *world) export(t *testing.T) map[string][]byte {
	t.Helper()
	var raw bytes.Buffer
	try(t, w.exporter.Write(t.Context(), &raw, w.alice.ID))
	archive, err := zip.NewReader(bytes.NewReader(raw.Bytes()), int64(raw.Len()))
	try(t, err)
	files := map[string][]byte{}
	for _, f := range archive.File {
		in, err := f.Open()
		try(t, err)
		files[f.Name], err = io.ReadAll(in)
		try(t, err)
	}
	return files
}

// TestAnArchiveHasAllOfOnePerson: each table has something of her, and nothing of anybody else or that is secret. The
// filters can be imported.
func TestAnArchiveHasAllOfOnePerson(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		w := newWorld(t, d, 250) // more than a page
		files := w.export(t)
		tables := personal.Tables()
		for _, info := range all.Infos() {
			for _, name := range info.Keeps {
				tables = append(tables, personal.Table{Name: name})
			}
		}
		for _, one := range tables {
			var rows []map[string]any
			if err := json.Unmarshal(files[one.Name+".json"], &rows); err != nil || len(rows) == 0 {
				t.Errorf("%s: %d rows, %v: %.200s", one.Name, len(rows), err, files[one.Name+".json"])
			}
			if !strings.Contains(string(files["README.txt"]), one.Name+".json") {
				t.Errorf("README.txt says nothing of %s.json", one.Name)
			}
		}
		for name, content := range files {
			for _, other := range append(w.secrets, "bob") {
				if bytes.Contains(content, []byte(other)) {
					t.Errorf("%s has %q", name, other)
				}
			}
		}
		var sent []struct {
			Message, State string
			Notice         backends.Notice
			Together       bool
			AddedAt        time.Time `json:"added_at"`
			SettledAt      *string   `json:"settled_at"`
		}
		try(t, json.Unmarshal(files["deliveries.json"], &sent))
		if len(sent) != 251 || sent[249].Message != "alice-message-249" || sent[0].Notice.Title != "alice's notice" ||
			sent[0].AddedAt.IsZero() || sent[0].SettledAt != nil {
			t.Errorf("%d deliveries, the first %+v", len(sent), sent[0])
		}
		about := string(files["about.json"])
		if !strings.Contains(about, `"role": "helper"`) || !strings.Contains(about, `"me": "alice"`) {
			t.Errorf("about.json: %s", about)
		}
		file, err := rulespec.Parse(rulespec.Env{}, files["filters.yaml"])
		if last := len(file.Filters) - 1; err != nil || last < 0 || file.Filters[last].Name != "alice's builds" ||
			len(file.Destinations) != 1 || file.Destinations[0].At != "07:00" {
			t.Errorf("filters.yaml: %v\n%s", err, files["filters.yaml"])
		}
	})
}

// TestNothingOfItIsLeft: whatever the archive has is gone when the account is deleted, but for the audit, which says no
// more who it was. A table that is new is wiped too, or this fails.
func TestNothingOfItIsLeft(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		w := newWorld(t, d, 3)
		eraser := &erasure.Eraser{Writer: d.Writer, Scrub: d.Scrub, Lasting: true, Backends: all.Infos(), Now: time.Now,
			Outbox: outbox.New(d.Writer, d.Reader, d.Postgres, outbox.Config{}, time.Now, rand.Reader)}
		store := prefs.Open(prefs.Config{Writer: d.Writer, Reader: d.Reader, Now: time.Now, Random: rand.Reader,
			OnErase: eraser.Erase})
		own, err := store.Destinations.List(t.Context(), w.alice.ID)
		try(t, err)
		keys, addresses := []string{outbox.Account + "email:alice@example.org"}, []string{}
		for _, one := range own {
			keys, addresses = append(keys, prefs.Key(one.ID)), append(addresses, one.Address)
		}
		tables := personal.Tables()
		for _, info := range all.Infos() {
			for _, name := range info.Keeps {
				tables = append(tables, personal.Table{Name: name, Of: "address IN @addresses"})
			}
		}
		left := func(one personal.Table) (n int64) {
			t.Helper()
			try(t, d.Reader.Table(cmp.Or(one.From, one.Name)).Where(one.Of,
				map[string]any{"user": w.alice.ID, "keys": keys, "addresses": addresses}).Count(&n).Error)
			return n
		}
		for _, one := range tables {
			if left(one) == 0 {
				t.Errorf("before: %s has nothing of her", one.Name)
			}
		}
		try(t, store.Accounts.Delete(t.Context(), w.alice.ID))
		for _, one := range tables {
			if n := left(one); n > 0 && one.Name != "audit" {
				t.Errorf("%d rows of %s are left", n, one.Name)
			}
		}
	})
}

// TestWhatIsNewIsInIt: a column that a later step adds is exported without a change here.
func TestWhatIsNewIsInIt(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		try(t, d.Writer.Exec("ALTER TABLE destinations ADD COLUMN colour text NOT NULL DEFAULT 'teal'").Error)
		w := newWorld(t, d, 1)
		if got := string(w.export(t)["destinations.json"]); !strings.Contains(got, `"colour":"teal"`) {
			t.Errorf("%s", got)
		}
	})
}

// TestNobody: there is no archive of an account that does not exist, and no part of one where the reader is gone.
func TestNobody(t *testing.T) {
	d := migratest.Copy(t)
	w := newWorld(t, d, 1)
	var out bytes.Buffer
	if err := w.exporter.Write(t.Context(), &out, 4711); !errors.Is(err, prefs.ErrNotFound) || out.Len() > 0 {
		t.Errorf("%v, %d bytes", err, out.Len())
	}
	if err := w.exporter.Write(t.Context(), brokenPipe{}, w.alice.ID); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("a reader that is gone: %v", err)
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }
