package control_test

import (
	"crypto/rand"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/control"
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

type house struct {
	*migrations.DB
	now   time.Time
	prefs *prefs.Store
	desk  *control.Desk
}

func open(t *testing.T, d *migrations.DB) *house {
	t.Helper()
	h := &house{DB: d, now: now}
	clock := func() time.Time { return h.now }
	h.prefs = prefs.Open(prefs.Config{Writer: d.Writer, Reader: d.Reader, Now: clock, Random: rand.Reader,
		ClaimedNames: func() bool { return true }})
	h.desk = &control.Desk{Accounts: h.prefs.Accounts, Destinations: h.prefs.Destinations,
		Unsubscriber: h.prefs.Unsubscriber, Manage: "https://notify.example.org/", Now: clock,
		Mailbox: func(backend string) bool { return backend == "email" }}
	return h
}

func (h *house) register(t *testing.T, name, backend, address string) prefs.User {
	t.Helper()
	u, err := h.prefs.Accounts.Register(t.Context(), name, "Europe/Berlin", backend, address)
	try(t, err)
	return u
}

func try(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
