package addresses_test

import (
	"context"
	"crypto/rand"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/cmd/notifyd/daemon/addresses"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
)

func TestMain(m *testing.M) { os.Exit(migratest.Main(m)) }

// A learner is a backend that learns that letters of two cases are one.
type learner struct{ learned bool }

func (l *learner) Send(context.Context, backends.Parcel) error { return nil }

func (l *learner) Spelling() string {
	if l.learned {
		return "folded"
	}
	return ""
}

func (l *learner) Info() backends.Info {
	return backends.Info{CheckAddress: func(address string) (string, error) {
		if l.learned {
			address = strings.ToLower(address)
		}
		return address, nil
	}}
}

// TestTheSecondIsTold: two accounts have one nick in two spellings, and nobody knows. When the backend learns it, the
// first keeps the nick, and the other is told at another address, once.
func TestTheSecondIsTold(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		ctx := t.Context()
		store := prefs.Open(prefs.Config{Writer: d.Writer, Reader: d.Reader, Now: time.Now, Random: rand.Reader,
			ClaimedNames: func() bool { return true }})
		has := func(name, nick string) (prefs.User, prefs.Destination) {
			u, err := store.Accounts.Register(ctx, name, "", "email", name+"@example.org")
			if err != nil {
				t.Fatal(err)
			}
			to, err := store.Destinations.Add(ctx, u.ID, "irc", nick)
			if err != nil {
				t.Fatal(err)
			}
			code, err := store.Destinations.NewCode(ctx, u.ID, to.ID)
			if err != nil {
				t.Fatal(err)
			}
			if err := store.Destinations.Confirm(ctx, u.ID, to.ID, code); err != nil {
				t.Fatal(err)
			}
			return u, to
		}
		alice, first := has("alice", "nick@local")
		bob, second := has("bob", "NICK@local")
		var told []outbox.Delivery
		network := &learner{}
		s := addresses.Speller{
			Backends: map[string]backends.Backend{"irc": network}, Destinations: store.Destinations, Now: time.Now,
			Log:   slog.New(slog.DiscardHandler),
			Queue: func(_ context.Context, d outbox.Delivery) error { told = append(told, d); return nil },
		}
		confirmed := func(u prefs.User, to prefs.Destination) bool {
			got, err := store.Destinations.Get(ctx, u.ID, to.ID)
			if err != nil {
				t.Fatal(err)
			}
			return got.Confirmed
		}
		s.Round(ctx)
		if len(told) != 0 || !confirmed(alice, first) || !confirmed(bob, second) {
			t.Fatalf("before anything is known: told %v", told)
		}
		network.learned = true
		for range 3 {
			s.Round(ctx)
		}
		if !confirmed(alice, first) || confirmed(bob, second) {
			t.Errorf("alice has it: %v, bob has it: %v", confirmed(alice, first), confirmed(bob, second))
		}
		if len(told) != 1 || told[0].Address != "bob@example.org" ||
			!strings.Contains(told[0].Notice.Text, "NICK@local gets nothing") {
			t.Errorf("told %+v", told)
		}
	})
}
