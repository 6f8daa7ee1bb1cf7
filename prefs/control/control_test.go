package control_test

import (
	"crypto/rand"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/control"
	"github.com/notifyd/notifyd/prefs/mute"
	"github.com/notifyd/notifyd/rulespec"
)

func TestMain(m *testing.M) { os.Exit(migratest.Main(m)) }

// TestStrangersLearnNothing: only who gets notices at an address is answered.
func TestStrangersLearnNothing(t *testing.T) {
	d := migratest.Open(t, migratest.SQLite(t))
	h := open(t, d)
	alice := h.register(t, "alice", "irc", "alice@net")
	own, err := h.prefs.Destinations.List(t.Context(), alice.ID)
	try(t, err)
	try(t, d.Writer.Exec("UPDATE destinations SET account = 'alice' WHERE id = ?", own[0].ID).Error)
	bob := h.register(t, "bob", "email", "bob@example.org")
	bobs, err := h.prefs.Destinations.List(t.Context(), bob.ID)
	try(t, err)
	open, err := h.prefs.Destinations.Add(t.Context(), bob.ID, "irc", "bob@net")
	try(t, err)
	for _, c := range []struct {
		said  backends.Command
		known bool
	}{
		{backends.Command{Backend: "irc", Address: "alice@net", Account: "alice"}, true},
		{backends.Command{Backend: "irc", Address: "alice@net"}, false},
		{backends.Command{Backend: "irc", Address: "alice@net", Account: "mallory"}, false},
		{backends.Command{Backend: "irc", Address: "nobody@net"}, false},
		{backends.Command{Backend: "irc", Address: "bob@net"}, false}, // not confirmed
		{backends.Command{Backend: "irc", Destination: prefs.Key(open.ID)}, false},
		{backends.Command{Backend: "email", Address: "bob@example.org"}, false}, // anybody can write that
		{backends.Command{Backend: "email", Destination: prefs.Key(bobs[0].ID)}, true},
		{backends.Command{Backend: "email", Destination: "99"}, false},
		{backends.Command{Backend: "email", Destination: "account:email:bob@example.org"}, false},
		{backends.Command{Backend: "email"}, false},
	} {
		c.said.Text = "help"
		got, err := h.desk.Do(t.Context(), c.said)
		try(t, err)
		if got.Known != c.known || (len(got.Lines) > 0) != c.known {
			t.Errorf("%+v: %+v", c.said, got)
		}
		for _, line := range got.Lines {
			if len(line) > 400 || strings.ContainsAny(line, "\r\n") {
				t.Errorf("%q does not fit into a line of IRC", line)
			}
		}
	}
}

// TestWords: each word does what it says, and says how to undo it.
func TestWords(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		h := open(t, d)
		alice := h.register(t, "alice", "irc", "alice@net")
		_, err := h.prefs.Filters.Save(t.Context(), alice.ID, prefs.Filter{On: true, Filter: rulespec.Filter{
			Name: "Builds", Rules: []rulespec.Rule{{Kind: "everything"}}}})
		try(t, err)
		own, err := h.prefs.Destinations.List(t.Context(), alice.ID)
		try(t, err)
		for i, n := range []backends.Notice{
			{Title: "[bash] bob built bash", Packages: []string{"bash"}, Objects: []string{"build/1"}, Actor: "bob",
				Kind: "k.built", KindName: "Builds", App: "k"},
			{Title: "[zsh, fish] carol tested", Packages: []string{"zsh", "fish"}, Objects: []string{"test/2"}, Actor: "carol"},
			{Title: "[zsh] an error", Packages: []string{"zsh"}, Objects: []string{"build/3"}, Severity: "error"},
		} {
			n.ID, n.Topic = fmt.Sprint("m", i), "org.example"
			n.Why = []backends.Reason{{Filter: "Builds", Sentence: "everything"}}
			h.owe(t, own[0], n)
		}
		for _, c := range []struct {
			say  string
			want []string
		}{
			{"last", []string{"1. [waits: digest at 14:00] [zsh] an error", "2. ", "[zsh, fish] carol", "3. ", "bob built"}},
			{"why 3", []string{"bob built bash", "because of Builds: everything", "waits: digest at 14:00"}},
			{"why 4", []string{"I know only 3 notices"}},
			{"status", []string{"come here at once", "3 notices: waits: digest at 14:00", "Nothing is muted"}},
			{"filters", []string{"Builds (on)"}},
			{"mute package", []string{"Muted: the package zsh, until Thursday 5 March 2026, 12:00; errors still come through",
				"1 notice that waited is silenced", "Undo: unmute"}},
			{"last", []string{"1. ", "an error", "2. ", "bob built"}}, // the second is silenced
			{"mute package 2 1w", []string{"the package bash, until Wednesday 11 March 2026, 12:00", "1 notice that waited"}},
			{"mute filter buil 2h", []string{"the filter Builds, until Wednesday 4 March 2026, 14:00"}},
			{"mute person nobody with errors", []string{"what nobody does", "errors are silenced too"}},
			{"mute until solved", []string{"build/3, until it is solved"}},
			{"status", []string{"1 notice: waits", "1. muted: build/3", "4. muted: the package bash",
				"silenced so far: 1"}},
			{"unmute 2", []string{"No longer muted: what nobody does"}},
			{"unmute package bash", []string{"No longer muted: the package bash. It had silenced 1 message"}},
			{"unmute package perl", []string{"Nothing like that is muted"}},
			{"unmute all", []string{"build/3", "the filter Builds", "the package zsh"}},
			{"unmute", []string{"Nothing is muted."}},
			{"mute filter nothing", []string{"0 of your filters are called"}},
			{"digest 07:00", []string{"in a digest (at 07:00)", "Undo: digest off"}},
			{"digest", []string{"come here in a digest"}},
			{"digest every 3 weeks", []string{"That is no time for a digest"}},
			{"digest now", []string{"1 notice goes now"}},
			{"digest off", []string{"at once", "Undo: digest 07:00"}},
			{"pause until monday", []string{"Paused, everywhere, until Mon 9 March 00:00", "Undo: resume"}},
			{"status", []string{"Paused until Mon 9 March 00:00"}},
			{"resume", []string{"The pause is over"}},
			{"resume", []string{"Nothing is paused or stopped"}},
			{"pause 3 years", []string{"That is no pause"}},
			{"stop", []string{"Stopped", "Undo: resume"}},
			{"status", []string{"switched off", "Nothing waits"}},
			{"resume", []string{"come here again", "Undo: stop"}},
			{"xyzzy", []string{"I do not understand \"xyzzy\""}},
		} {
			got := strings.Join(h.say(t, "alice@net", c.say), "\n")
			for _, want := range c.want {
				if !strings.Contains(got, want) {
					t.Errorf("%s: %q is not in:\n%s", c.say, want, got)
				}
			}
		}
		var noted []string
		try(t, d.Reader.Raw("SELECT what FROM audit WHERE by_kind = 'said' ORDER BY id").Scan(&noted).Error)
		if got := strings.Join(noted, " "); !strings.HasPrefix(got, "mute.make mute.make") ||
			!strings.HasSuffix(got, "account.pause account.resume destination.off destination.on") {
			t.Errorf("noted: %s", got)
		}
	})
}

// TestByMail: whoever was passed a mail ends nothing and starts nothing that its owner has set elsewhere.
func TestByMail(t *testing.T) {
	h := open(t, migratest.Open(t, migratest.SQLite(t)))
	bob := h.register(t, "bob", "email", "bob@example.org")
	own, err := h.prefs.Destinations.List(t.Context(), bob.ID)
	try(t, err)
	of := mute.Mute{Kind: mute.Package, Value: "bash", Ends: now.Add(48 * time.Hour)}
	_, _, err = h.prefs.Mutes.Make(t.Context(), bob.ID, of, "page")
	try(t, err)
	h.owe(t, own[0], backends.Notice{ID: "1", Topic: "t", Title: "one", Objects: []string{"o/1"}})
	h.owe(t, own[0], backends.Notice{ID: "2", Topic: "t", Title: "two", Objects: []string{"o/2"}})
	try(t, h.Writer.Exec("UPDATE deliveries SET parcel = 'p1', state = 'done', settled_at = 1 WHERE id = 1").Error)
	say := func(text, about string) string {
		got, err := h.desk.Do(t.Context(), backends.Command{Backend: "email", Destination: prefs.Key(own[0].ID), Text: text,
			About: about})
		try(t, err)
		return strings.Join(got.Lines, "\n")
	}
	for _, c := range []struct{ text, about, want string }{
		{"unmute", "", "Nothing is muted by mail"},
		{"> [bash] one\n\nMute 2d.\n-- \nBob", "p1", "Muted: o/1, until Friday 6 March 2026, 12:00"},
		{"mute", "p2", "I no longer know"},
		{"unmute all", "", "No longer muted: o/1"},
		{"stop", "p1", "switch this address on at https://notify"},
		{"resume", "p1", "starts nothing again"},
	} {
		if got := say(c.text, c.about); !strings.Contains(got, c.want) {
			t.Errorf("%q: %s", c.text, got)
		}
	}
}

type house struct {
	*migrations.DB
	now    time.Time
	prefs  *prefs.Store
	outbox *outbox.Outbox
	desk   *control.Desk
}

func open(t *testing.T, d *migrations.DB) *house {
	t.Helper()
	h := &house{DB: d, now: now}
	clock := func() time.Time { return h.now }
	h.outbox = outbox.New(d.Writer, d.Reader, d.Postgres, outbox.Config{}, clock, rand.Reader)
	h.prefs = prefs.Open(prefs.Config{Writer: d.Writer, Reader: d.Reader, Now: clock, Random: rand.Reader,
		ClaimedNames: func() bool { return true }, Waiting: h.outbox,
		OnClose: func(tx *gorm.DB, keys []string, why string) error {
			_, err := h.outbox.Cancel(tx, keys, why)
			return err
		}})
	h.desk = &control.Desk{Accounts: h.prefs.Accounts, Destinations: h.prefs.Destinations, Filters: h.prefs.Filters,
		Mutes: h.prefs.Mutes, Outbox: h.outbox, Unsubscriber: h.prefs.Unsubscriber, Manage: "https://notify.example.org/",
		Now: clock, Mailbox: func(backend string) bool { return backend == "email" }}
	return h
}

func (h *house) register(t *testing.T, name, backend, address string) prefs.User {
	t.Helper()
	u, err := h.prefs.Accounts.Register(t.Context(), name, "Europe/Berlin", backend, address)
	try(t, err)
	return u
}

// owe has a notice wait for a digest in two hours.
func (h *house) owe(t *testing.T, to prefs.Destination, n backends.Notice) {
	t.Helper()
	d := outbox.Delivery{Message: n.ID, Destination: prefs.Key(to.ID), Backend: to.Backend, Address: to.Address, Notice: n,
		DueAt: h.now.Add(2 * time.Hour), Together: true, Hold: "digest"}
	try(t, h.Writer.Transaction(func(tx *gorm.DB) error { _, err := h.outbox.Add(tx, []outbox.Delivery{d}); return err }))
}

func (h *house) say(t *testing.T, address, text string) []string {
	t.Helper()
	got, err := h.desk.Do(t.Context(), backends.Command{Backend: "irc", Address: address, Text: text})
	try(t, err)
	for _, line := range got.Lines {
		if len(line) > 400 || strings.ContainsAny(line, "\r\n") {
			t.Errorf("%q does not fit into a line of IRC", line)
		}
	}
	return got.Lines
}

func try(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
