package storms

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/rescue"
)

func TestMain(m *testing.M) { os.Exit(migratest.Main(m)) }

// A world is alice with two addresses, and what is owed to her.
type world struct {
	*Rescuer
	t         *testing.T
	now       time.Time
	alice     prefs.User
	mail, irc prefs.Destination
	store     *prefs.Store
}

func newWorld(t *testing.T, d *migrations.DB) *world {
	w := &world{t: t, now: time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)}
	clock := func() time.Time { return w.now }
	w.store = prefs.Open(prefs.Config{Writer: d.Writer, Reader: d.Reader, Now: clock, Random: rand.Reader,
		ClaimedNames: func() bool { return true }})
	var err error
	if w.alice, err = w.store.Accounts.Register(t.Context(), "alice", "", "email", "alice@example.org"); err != nil {
		t.Fatal(err)
	}
	all, err := w.store.Destinations.List(t.Context(), w.alice.ID)
	if err != nil {
		t.Fatal(err)
	}
	w.mail = all[0]
	w.irc = w.confirmed("irc", "alice")
	w.Rescuer = NewRescuer(&Rescuer{Writer: d.Writer, Rescue: w.store.Rescue, Now: clock,
		Outbox: outbox.New(d.Writer, d.Reader, d.Postgres, outbox.Config{}, clock, rand.Reader),
		Log:    slog.New(slog.DiscardHandler), Begin: func(ctx context.Context, tx *gorm.DB) error {
			_, err := w.store.Subscriptions.Revision(ctx, tx)
			return err
		}})
	w.now = w.now.Add(time.Second)
	return w
}

func (w *world) confirmed(backend, address string) prefs.Destination {
	w.t.Helper()
	d, err := w.store.Destinations.Add(w.t.Context(), w.alice.ID, backend, address)
	if err != nil {
		w.t.Fatal(err)
	}
	code, err := w.store.Destinations.NewCode(w.t.Context(), w.alice.ID, d.ID)
	if err == nil {
		err = w.store.Destinations.Confirm(w.t.Context(), w.alice.ID, d.ID, code)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	d.Confirmed = true
	return d
}

func (w *world) owe(id, severity string) {
	w.t.Helper()
	err := w.Writer.Transaction(func(tx *gorm.DB) error {
		_, err := w.Outbox.Add(tx, []outbox.Delivery{{Message: id, Destination: prefs.Key(w.mail.ID), Backend: "email",
			Address: w.mail.Address, DueAt: w.now,
			Notice: backends.Notice{ID: id, Title: "t", Text: "It broke.", Severity: severity}}})
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// failed writes down what attempts came to.
func (w *world) failed(set string, args ...any) {
	w.t.Helper()
	if err := w.Writer.Exec("UPDATE deliveries SET "+set, args...).Error; err != nil {
		w.t.Fatal(err)
	}
}

// owed gives what each destination has: message, state and the last line of the text.
func (w *world) owed() string {
	w.t.Helper()
	if err := w.Look(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	entries, err := w.Outbox.Find(w.t.Context(), outbox.Query{})
	if err != nil {
		w.t.Fatal(err)
	}
	var said []string
	for _, e := range entries {
		text := e.Notice.Text[strings.LastIndexByte(e.Notice.Text, '\n')+1:]
		said = append(said, fmt.Sprintf("%s %s %s %q %q", e.Message, e.Backend, e.State, text, e.LastError))
	}
	return strings.Join(said, "\n")
}

// TestFallback: what failed often enough, for long enough or for good goes to the other destination, once, and says
// why; what was given up before, cancelled by its owner or is being sent does not.
func TestFallback(t *testing.T) {
	const open = `m email waiting "It broke." ""`
	took := func(why string) string {
		return fmt.Sprintf("m irc waiting \"It came here because %[1]s.\" \"\"\nm email dead \"It broke.\" "+
			"\"sent elsewhere: your irc destination got it, because %[1]s\"", why)
	}
	const mail = "email to a…@example.org"
	tests := map[string]struct {
		set   string
		after time.Duration
		off   bool // the address is gone
		want  string
	}{
		"fresh":        {set: "attempts = 0", want: open},
		"failed twice": {set: "attempts = 2, failed_at = 1", want: open},
		"three times":  {set: "attempts = 3, failed_at = 1", want: took(mail + " failed 3 times")},
		"for hours":    {set: "attempts = 0", after: 6 * time.Hour, want: took(mail + " has not taken it for 6h0m0s")},
		"refused": {set: "attempts = 1, state = 'dead', settled_at = added_at, last_error = '550'",
			want: took(mail + " does not take it")},
		"gone": {off: true, want: took(mail + " is gone")},
		"switched off": {set: "state = 'dead', settled_at = added_at, last_error = 'the destination was switched off'",
			want: `m email dead "It broke." "the destination was switched off"`},
		"silenced": {set: "attempts = 1, state = 'dead', settled_at = added_at, last_error = 'silenced: muted'",
			want: `m email dead "It broke." "silenced: muted"`},
		"being sent": {set: "attempts = 5, state = 'claimed', parcel = 'p'", want: `m email claimed "It broke." ""`},
		"sent":       {set: "attempts = 5, state = 'done', settled_at = added_at", want: `m email done "It broke." ""`},
		"given up before": {set: "attempts = 5, state = 'dead', settled_at = 1, last_error = '550'",
			want: `m email dead "It broke." "550"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, migratest.Open(t, migratest.SQLite(t)))
			f := rescue.Fallback{From: w.mail.ID, To: w.irc.ID, Attempts: 3, After: 6 * time.Hour}
			if err := w.Rescue.SetFallback(t.Context(), w.alice.ID, f); err != nil {
				t.Fatal(err)
			}
			w.now = w.now.Add(time.Second)
			w.owe("m", "info")
			if test.set != "" {
				w.failed(test.set)
			}
			if test.off {
				w.gone()
			}
			w.now = w.now.Add(test.after)
			if got := w.owed(); got != test.want {
				t.Errorf("owed is\n%s\nwant\n%s", got, test.want)
			}
			if got := w.owed(); got != test.want {
				t.Errorf("when it looks again owed is\n%s", got)
			}
		})
	}
}

// gone switches the mail address off, as its server says.
func (w *world) gone() {
	w.t.Helper()
	err := w.store.Destinations.Disable(w.t.Context(), w.mail.ID, "550 no such mailbox")
	if err == nil {
		err = w.Writer.Transaction(func(tx *gorm.DB) error {
			_, err := w.Outbox.Cancel(tx, []string{prefs.Key(w.mail.ID)}, "550 no such mailbox")
			return err
		})
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// TestFallbackOfTwoNodes: two that look at the same time move everything once, and fail at nothing.
func TestFallbackOfTwoNodes(t *testing.T) {
	w := newWorld(t, migratest.Open(t, migratest.Postgres(t)))
	f := rescue.Fallback{From: w.mail.ID, To: w.irc.ID, Attempts: 3}
	if err := w.Rescue.SetFallback(t.Context(), w.alice.ID, f); err != nil {
		t.Fatal(err)
	}
	for i := range 40 {
		w.owe(fmt.Sprint("m", i), "info")
	}
	w.failed("attempts = 3, failed_at = 1")
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() {
			if err := w.Look(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()
	got := w.owed()
	if n := strings.Count(got, " irc waiting "); n != 40 || strings.Count(got, " email dead ") != 40 {
		t.Errorf("%d of 40 were moved:\n%s", n, got)
	}
}

// TestEscalation: a critical notice that nobody took for a while, or that failed, goes to another address too, and
// stays where it is.
func TestEscalation(t *testing.T) {
	w := newWorld(t, migratest.Open(t, migratest.SQLite(t)))
	e := rescue.Escalation{To: w.irc.ID, After: 5 * time.Minute}
	if err := w.Rescue.SetEscalation(t.Context(), w.alice.ID, e); err != nil {
		t.Fatal(err)
	}
	w.owe("m", "critical")
	w.owe("n", "error")
	if got := w.owed(); strings.Contains(got, "irc") {
		t.Errorf("at once owed is\n%s", got)
	}
	w.now = w.now.Add(5 * time.Minute)
	want := `m irc waiting "It came here because email to a…@example.org has not taken it for 5m0s." ""
n email waiting "It broke." ""
m email waiting "It broke." ""`
	for range 2 {
		if got := w.owed(); got != want {
			t.Errorf("owed is\n%s\nwant\n%s", got, want)
		}
	}
	w.owe("o", "critical")
	w.failed("attempts = 1, failed_at = 1 WHERE id = (SELECT max(id) FROM deliveries)")
	if got := w.owed(); !strings.Contains(got, "o irc waiting") {
		t.Errorf("after a failure owed is\n%s", got)
	}
}

// TestHostileSettings: rounds, long chains and addresses of others are refused.
func TestHostileSettings(t *testing.T) {
	w := newWorld(t, migratest.Open(t, migratest.SQLite(t)))
	bob, err := w.store.Accounts.Register(t.Context(), "bob", "", "email", "bob@example.org")
	if err != nil {
		t.Fatal(err)
	}
	theirs, _ := w.store.Destinations.List(t.Context(), bob.ID)
	open, err := w.store.Destinations.Add(t.Context(), w.alice.ID, "irc", "unproved")
	if err != nil {
		t.Fatal(err)
	}
	set := func(from, to uint) error {
		return w.Rescue.SetFallback(t.Context(), w.alice.ID, rescue.Fallback{From: from, To: to, Attempts: 1})
	}
	chain := []uint{w.mail.ID, w.irc.ID}
	for i := range 3 {
		chain = append(chain, w.confirmed("irc", fmt.Sprint("alice", i)).ID)
	}
	for name, pair := range map[string][2]uint{"itself": {chain[0], chain[0]}, "of bob": {chain[0], theirs[0].ID},
		"from bob": {theirs[0].ID, chain[0]}, "unproved": {chain[0], open.ID}, "missing": {chain[0], 999}} {
		if set(pair[0], pair[1]) == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for i := len(chain) - 2; i > 0; i-- {
		if err := set(chain[i], chain[i+1]); err != nil {
			t.Errorf("%d to %d: %v", i, i+1, err)
		}
	}
	if set(chain[0], chain[1]) == nil {
		t.Error("a chain of four is taken")
	}
	if set(chain[4], chain[1]) == nil {
		t.Error("a round is taken")
	}
	for _, f := range []rescue.Fallback{{Attempts: -1}, {Attempts: 99}, {After: time.Second}, {After: 1 << 62}, {}} {
		f.From, f.To = chain[0], chain[1]
		if f.Check() == nil {
			t.Errorf("%+v is taken", f)
		}
	}
	if (rescue.Escalation{To: 1}).Check() == nil || (rescue.Escalation{To: 1, After: 1 << 62}).Check() == nil {
		t.Error("an escalation after no time, or years, is taken")
	}
}
