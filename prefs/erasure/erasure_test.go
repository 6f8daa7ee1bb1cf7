package erasure_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/backends/desktop"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/erasure"
	"github.com/notifyd/notifyd/prefs/personal"
	"github.com/notifyd/notifyd/rulespec"
)

func TestMain(m *testing.M) { os.Exit(migratest.Main(m)) }

// words are in everything that is stored of the person who goes, and nowhere else.
var words = []string{"xanthippe", "zyzzyva", "quokkaword", "wallabytext", "numbatgone", "bilbynote"}

// A house is a database with everything that stores what is of people.
type house struct {
	*migrations.DB
	now    time.Time
	eraser *erasure.Eraser
	outbox *outbox.Outbox
	prefs  *prefs.Store
	feed   *desktop.Feed
}

func open(t *testing.T, d *migrations.DB) *house {
	t.Helper()
	h := &house{DB: d, now: time.Now()}
	clock := func() time.Time { return h.now }
	h.outbox = outbox.New(d.Writer, d.Reader, d.Postgres, outbox.Config{}, clock, rand.Reader)
	h.eraser = &erasure.Eraser{Writer: d.Writer, Scrub: d.Scrub, Lasting: d.Postgres, Outbox: h.outbox,
		Backends: []backends.Info{desktop.Info}, Now: clock, Log: slog.New(slog.NewTextHandler(t.Output(), nil))}
	h.prefs = prefs.Open(prefs.Config{Writer: d.Writer, Reader: d.Reader, Now: clock, Random: rand.Reader,
		ClaimedNames: func() bool { return true },
		OnErase:      h.eraser.Erase, AfterErase: h.eraser.AtOnce,
		OnClose: func(tx *gorm.DB, keys []string, why string) error {
			_, err := h.outbox.Cancel(tx, keys, why)
			return err
		}})
	h.feed = desktop.New(d.Writer, d.Reader, clock)
	return h
}

// settle gives a person everything that can be stored, by the words, some of it in several versions.
func (h *house) settle(t *testing.T, words []string) prefs.User {
	t.Helper()
	ctx := t.Context()
	name, address, rule, text, bubble, once := words[0], words[1]+"@example.org", words[2], words[3], words[4], words[5]
	user, err := h.prefs.Accounts.Register(ctx, name, "", "email", address)
	try(t, err)
	_, err = h.prefs.Destinations.Add(ctx, user.ID, "irc", words[1])
	try(t, err)
	_, err = h.prefs.Destinations.Add(ctx, user.ID, "desktop", feedOf(user))
	try(t, err)
	_, err = h.prefs.Tokens.New(ctx, user.ID, name+"'s laptop")
	try(t, err)
	_, err = h.prefs.Accounts.NewSignIn(ctx, address)
	try(t, err)
	saved := prefs.Filter{On: true, Filter: rulespec.Filter{Name: "All of " + rule,
		Rules: []rulespec.Rule{{Kind: "topic", Args: rulespec.Args{"pattern": {"org." + once + ".*"}}}}}}
	for i := range 6 {
		saved.Name += fmt.Sprint(" ", i)
		saved, err = h.prefs.Filters.Save(ctx, user.ID, saved)
		try(t, err)
	}
	var owed []outbox.Delivery
	own, err := h.prefs.Destinations.List(ctx, user.ID)
	try(t, err)
	for i := range 60 {
		d := own[i%2]
		n := backends.Notice{Title: text, Text: strings.Repeat(text+" ", 1+i*20),
			Why: []backends.Reason{{Filter: rule, Sentence: "When " + rule}}}
		owed = append(owed, outbox.Delivery{Message: fmt.Sprint(name, i), Destination: prefs.Key(d.ID), Backend: d.Backend,
			Address: d.Address, Notice: n, DueAt: h.now})
	}
	owed = append(owed, outbox.Delivery{Message: "account " + address, Destination: outbox.Account + "email:" + address,
		Backend: "email", Address: address, Notice: backends.Notice{Title: name}, DueAt: h.now})
	try(t, h.Writer.Transaction(func(tx *gorm.DB) error { _, err := h.outbox.Add(tx, owed); return err }))
	for _, change := range []string{"done", "dead", "claimed"} { // each is a new version of a row
		try(t, h.Writer.Exec("UPDATE deliveries SET state = ?, last_error = ?, settled_at = ? WHERE state = 'waiting' AND "+
			"id % 3 = 1 AND lane IN (SELECT id FROM lanes WHERE address = ?)", change, text, len(change)%7, address).Error)
	}
	try(t, h.show(ctx, user, bubble))
	try(t, h.Writer.Exec("INSERT INTO identities (user_id, issuer, subject, name, groups, created_at, used_at) "+
		"VALUES (?, ?, ?, ?, ?, 0, 0)", user.ID, "https://id.example.org", name, name, `["`+rule+`"]`).Error)
	return user
}

func feedOf(user prefs.User) string { return fmt.Sprint("user-", user.ID) }

// show sends a notice to a person's desktop.
func (h *house) show(ctx context.Context, user prefs.User, title string) error {
	one := []backends.Notice{{ID: "1", Title: title}}
	return h.feed.Send(ctx, backends.Parcel{ID: title, To: feedOf(user), Notices: one})
}

func try(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// crowd adds others and lets some of them go, so that pages are shared, split and moved.
func (h *house) crowd(t *testing.T, from, to int) {
	t.Helper()
	for i := from; i < to; i++ {
		var mine []string
		for w := range words {
			mine = append(mine, fmt.Sprintf("other%d-%d", i, w))
		}
		user := h.settle(t, mine)
		if i%3 == 0 {
			try(t, h.prefs.Accounts.Delete(t.Context(), user.ID))
		}
	}
}

// TestNothingIsLeft: after a deletion no byte of the database's file and log has anything of the person, and no row on
// PostgreSQL; others keep theirs.
func TestNothingIsLeft(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		path := migratest.SQLite(t)
		d := migratest.Open(t, path)
		h := open(t, d)
		h.crowd(t, 1, 5)
		gone := h.settle(t, words)
		h.crowd(t, 5, 9)
		if found := inFile(t, path, words); len(found) != len(words) {
			t.Fatalf("before: only %q are in the file: the test would show nothing", found)
		}
		try(t, h.prefs.Accounts.Delete(t.Context(), gone.ID))
		if found := inFile(t, path, words); len(found) > 0 {
			t.Errorf("after the deletion the file still has %q", found)
		}
		if found := inFile(t, path, []string{"other1-3", "other8-5"}); len(found) != 2 {
			t.Errorf("of the others only %q are left", found)
		}
	})
	t.Run("postgres", func(t *testing.T) {
		h := open(t, migratest.Open(t, migratest.Postgres(t)))
		h.crowd(t, 1, 3)
		gone := h.settle(t, words)
		if n := h.inRows(t, words); n < 50 {
			t.Fatalf("before: only %d rows have the words", n)
		}
		try(t, h.prefs.Accounts.Delete(t.Context(), gone.ID))
		if n := h.inRows(t, words); n > 0 {
			t.Errorf("after the deletion %d rows still have them", n)
		}
		if n := h.inRows(t, []string{"other1-3"}); n < 10 {
			t.Errorf("of another only %d rows are left", n)
		}
		try(t, h.eraser.Finish(t.Context()))
	})
}

// TestEveryTableOfPeopleIsScrubbed: what is exported of a person goes with the person, and leaves no old versions.
func TestEveryTableOfPeopleIsScrubbed(t *testing.T) {
	for _, one := range personal.Tables() {
		if !slices.Contains(erasure.Tables(), one.Name) {
			t.Errorf("the table %s has rows of people and is not scrubbed", one.Name)
		}
	}
}

// TestOneDestinationLeaves: what was sent to an address goes with it, and what was sent to others stays.
func TestOneDestinationLeaves(t *testing.T) {
	path := migratest.SQLite(t)
	h := open(t, migratest.Open(t, path))
	user := h.settle(t, words)
	own, err := h.prefs.Destinations.List(t.Context(), user.ID)
	try(t, err)
	kept := h.inRows(t, words)
	try(t, h.prefs.Destinations.Delete(t.Context(), user.ID, own[2].ID)) // the desktop
	if found := inFile(t, path, words[4:5]); len(found) > 0 {
		t.Errorf("the file still has %q", found)
	}
	if n := h.inRows(t, words); n != kept-1 {
		t.Errorf("%d rows are left of %d, want one fewer", n, kept)
	}
	try(t, h.prefs.Destinations.Delete(t.Context(), user.ID, own[0].ID))
	// the audit keeps for its owner which address it was
	try(t, h.prefs.Audit.Forget(h.Writer.WithContext(t.Context()), user.ID))
	try(t, h.Scrub(t.Context()))
	if found := inFile(t, path, []string{words[1] + "@"}); len(found) > 0 {
		t.Errorf("the file still has %q", found)
	}
}

// TestMailToAnAddressThatWasNeverConfirmed goes once it is settled; what waits may be another person's link.
func TestMailToAnAddressThatWasNeverConfirmed(t *testing.T) {
	h := open(t, migratest.Open(t, migratest.SQLite(t)))
	user := h.settle(t, words)
	mail := func(id, address string) outbox.Delivery {
		return outbox.Delivery{Message: id, Destination: outbox.Account + "email:" + address, Backend: "email",
			Address: address, Notice: backends.Notice{Title: "a code"}, DueAt: h.now}
	}
	for _, address := range []string{"typo@example.org", "two@example.org"} {
		_, err := h.prefs.Destinations.Add(t.Context(), user.ID, "email", address)
		try(t, err)
	}
	owed := []outbox.Delivery{mail("1", "typo@example.org"), mail("2", "two@example.org"), mail("3", "two@example.org")}
	try(t, h.Writer.Transaction(func(tx *gorm.DB) error { _, err := h.outbox.Add(tx, owed); return err }))
	try(t, h.Writer.Exec("UPDATE deliveries SET state = 'dead', settled_at = 1 WHERE content IN "+
		"(SELECT id FROM contents WHERE message IN ('1', '2'))").Error)
	try(t, h.prefs.Accounts.Delete(t.Context(), user.ID))
	if n := h.inRows(t, []string{"typo@"}); n > 0 {
		t.Errorf("%d rows still have the address", n)
	}
	var left []string
	try(t, h.Writer.Raw("SELECT c.message FROM deliveries d JOIN contents c ON c.id = d.content "+
		"JOIN lanes l ON l.id = d.lane WHERE l.address = 'two@example.org'").Scan(&left).Error)
	if len(left) != 1 || left[0] != "3" {
		t.Errorf("of the mails to an address that others may have, %q are left", left)
	}
}

// TestFinishedByTheNext: a deletion happens whole or not at all, and what the process that did it could not do any more
// is done by the next: the log is cut, and what a send stored that was under way goes too.
func TestFinishedByTheNext(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		h := open(t, d)
		user := h.settle(t, words)
		rows := h.inRows(t, words)
		broken := errors.New("killed")
		doomed := prefs.Open(prefs.Config{Writer: d.Writer, Reader: d.Reader, Now: h.eraser.Now, Random: rand.Reader,
			ClaimedNames: func() bool { return true },
			OnErase: func(tx *gorm.DB, gone []prefs.Destination) error {
				return errors.Join(h.eraser.Erase(tx, gone), broken)
			}})
		if err := doomed.Accounts.Delete(t.Context(), user.ID); !errors.Is(err, broken) {
			t.Fatal(err)
		}
		if n := h.inRows(t, words); n != rows {
			t.Errorf("half a deletion: %d rows are left of %d", n, rows)
		}
		scrubbed := 0
		h.eraser.Scrub = func(context.Context, ...string) error { scrubbed++; return migrations.ErrHeld }
		h.eraser.Lasting = false
		try(t, h.prefs.Accounts.Delete(t.Context(), user.ID))
		try(t, h.show(t.Context(), user, words[4]))
		if err := h.eraser.Finish(t.Context()); !errors.Is(err, migrations.ErrHeld) || scrubbed != 2 {
			t.Errorf("somebody reads: %v, scrubbed %d times", err, scrubbed)
		}
		h.eraser.Scrub = func(ctx context.Context, tables ...string) error { scrubbed++; return d.Scrub(ctx, tables...) }
		for range 2 {
			try(t, h.eraser.Finish(t.Context()))
		}
		if scrubbed != 3 {
			t.Errorf("scrubbed %d times, want once more and no oftener", scrubbed)
		}
		if n := h.inRows(t, words); n != 1 {
			t.Errorf("%d rows while a send may be under way, want the notice that it has stored", n)
		}
		h.now = h.now.Add(time.Hour)
		try(t, h.eraser.Finish(t.Context()))
		if n := h.inRows(t, words); n != 0 {
			t.Errorf("%d rows are left in the end", n)
		}
		var owed int
		try(t, d.Reader.Raw("SELECT count(*) FROM erasures").Scan(&owed).Error)
		if owed != 0 {
			t.Errorf("%d are still owed", owed)
		}
	})
}

// inFile gives the words that are in a database's file or its log.
func inFile(t *testing.T, path string, words []string) (found []string) {
	t.Helper()
	for _, word := range words {
		for _, name := range []string{path, path + "-wal"} {
			content, err := os.ReadFile(name)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			try(t, err)
			if bytes.Contains(content, []byte(word)) {
				found = append(found, word)
				break
			}
		}
	}
	return found
}

// inRows counts the rows of all tables that have one of the words.
func (h *house) inRows(t *testing.T, words []string) (n int) {
	t.Helper()
	tables, err := h.Reader.Migrator().GetTables()
	try(t, err)
	for _, table := range tables {
		rows, err := h.Reader.Table(table).Rows()
		try(t, err)
		columns, err := rows.Columns()
		try(t, err)
		for rows.Next() {
			values := make([]any, len(columns))
			for i := range values {
				values[i] = new(any)
			}
			try(t, rows.Scan(values...))
			line := ""
			for _, v := range values {
				line += fmt.Sprintf("%s\x00", *v.(*any))
			}
			for _, w := range words {
				if strings.Contains(line, w) {
					n++
					break
				}
			}
		}
		try(t, errors.Join(rows.Err(), rows.Close()))
	}
	return n
}
