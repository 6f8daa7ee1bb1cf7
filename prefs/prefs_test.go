package prefs_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/prefs/links"
	"github.com/notifyd/notifyd/prefs/schedule"
	"github.com/notifyd/notifyd/rulespec"
)

func TestMain(m *testing.M) {
	// The state machine works on real databases: a hundred runs take too long. -rapid.checks overrides the number.
	if err := flag.Set("rapid.checks", "30"); err != nil {
		panic(err)
	}
	os.Exit(migratest.Main(m))
}

// A clock is a time that tests set.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func newClock() *clock { return &clock{at: time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)} }

// each runs f with a store on each dialect.
func each(t *testing.T, f func(t *testing.T, s *prefs.Store, d *migrations.DB, c *clock)) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		c := newClock()
		f(t, openStore(d, c.now), d, c)
	})
}

// openStore returns the preferences in a database.
func openStore(d *migrations.DB, now func() time.Time) *prefs.Store {
	var s *prefs.Store
	s = prefs.Open(prefs.Config{Writer: d.Writer, Reader: d.Reader, Now: now, Random: rand.Reader, ClaimedNames: yes,
		Told: func(tx *gorm.DB, h accounts.Happened) error { _, err := s.Mailed.Tell(tx, h, "email"); return err }})
	return s
}

// yes lets everybody choose a name, and be believed.
func yes() bool { return true }

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func want(t *testing.T, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Fatalf("error %v, want %v", err, target)
	}
}

// person makes a user with a confirmed mail address.
func person(t *testing.T, s *prefs.Store, name string) (prefs.User, prefs.Destination) {
	t.Helper()
	u := must[prefs.User](t)(s.Accounts.Register(t.Context(), name, "Europe/Berlin", "email", name+"@example.org"))
	ds := must[[]prefs.Destination](t)(s.Destinations.List(t.Context(), u.ID))
	return u, ds[0]
}

// register makes a user with a mail address that belongs to the name.
func register(ctx context.Context, s *prefs.Store, name, zone string) (prefs.User, error) {
	return s.Accounts.Register(ctx, name, zone, "email", fmt.Sprintf("%x@example.org", name))
}

// setOneShot sets whether a filter is switched off by its first delivery.
func setOneShot(ctx context.Context, s *prefs.Store, userID uint, id rulespec.FilterID, oneShot bool) error {
	f, err := s.Filters.Get(ctx, userID, id)
	if err != nil {
		return err
	}
	f.OneShot = oneShot
	_, err = s.Filters.Save(ctx, userID, f)
	return err
}

// confirmed adds a destination and confirms it.
func confirmed(t *testing.T, s *prefs.Store, u prefs.User, backend, address string) prefs.Destination {
	t.Helper()
	d := must[prefs.Destination](t)(s.Destinations.Add(t.Context(), u.ID, backend, address))
	code := must[string](t)(s.Destinations.NewCode(t.Context(), u.ID, d.ID))
	ok(t, s.Destinations.Confirm(t.Context(), u.ID, d.ID, code))
	return must[prefs.Destination](t)(s.Destinations.Get(t.Context(), u.ID, d.ID))
}

func packageFilter(name string, packages ...string) prefs.Filter {
	return prefs.Filter{On: true, Filter: rulespec.Filter{Name: name, Rules: []rulespec.Rule{
		{Kind: "package", Args: rulespec.Args{"name": packages}},
	}}}
}

func TestUsers(t *testing.T) {
	each(t, func(t *testing.T, s *prefs.Store, _ *migrations.DB, _ *clock) {
		ctx := t.Context()
		alice := must[prefs.User](t)(register(ctx, s, "alice", "Europe/Berlin"))
		_, err := register(ctx, s, "alice", "")
		want(t, err, prefs.ErrTaken)
		bob := must[prefs.User](t)(register(ctx, s, "bob", ""))
		want(t, s.Accounts.Rename(ctx, bob.ID, "alice"), prefs.ErrTaken)
		ok(t, s.Accounts.Rename(ctx, bob.ID, "robert"))
		ok(t, s.Accounts.SetZone(ctx, bob.ID, "Asia/Tokyo"))
		got := must[prefs.User](t)(s.Accounts.ByName(ctx, "robert"))
		if got.ID != bob.ID || got.Zone != "Asia/Tokyo" || got.Location().String() != "Asia/Tokyo" {
			t.Errorf("ByName = %+v", got)
		}
		if got := must[prefs.User](t)(s.Accounts.User(ctx, alice.ID)); got.Name != "alice" {
			t.Errorf("User = %+v", got)
		}
		for _, name := range []string{"", "@me", "a b", "a\x00b", "a\nb", "\xff", strings.Repeat("x", 101)} {
			if _, err := register(ctx, s, name, ""); !isInput(err) {
				t.Errorf("Register(%q) = %v", name, err)
			}
		}
		for _, zone := range []string{"Mars/Base", "Local", "../etc/passwd"} {
			if err := s.Accounts.SetZone(ctx, alice.ID, zone); !isInput(err) {
				t.Errorf("SetZone(%q) = %v", zone, err)
			}
		}
		if zone := (prefs.User{Zone: "Mars/Base"}).Location(); zone != time.UTC {
			t.Errorf("a zone that the machine does not know is %v", zone)
		}
		ok(t, s.Accounts.Delete(ctx, alice.ID))
		_, err = s.Accounts.User(ctx, alice.ID)
		want(t, err, prefs.ErrNotFound)
		want(t, s.Accounts.Delete(ctx, alice.ID), prefs.ErrNotFound)
	})
}

func isInput(err error) bool {
	var e *prefs.Error
	return errors.As(err, &e)
}

func TestRegister(t *testing.T) {
	each(t, func(t *testing.T, s *prefs.Store, _ *migrations.DB, _ *clock) {
		ctx := t.Context()
		alice, mail := person(t, s, "alice")
		if !mail.Confirmed || !mail.On || mail.UserID != alice.ID {
			t.Errorf("the first destination is %+v", mail)
		}
		if u := must[prefs.User](t)(s.Accounts.ByAddress(ctx, "email", "alice@example.org")); u.ID != alice.ID {
			t.Errorf("ByAddress = %+v", u)
		}
		_, err := s.Accounts.Register(ctx, "mallory", "", "email", "alice@example.org")
		want(t, err, prefs.ErrClaimed)
		_, err = s.Accounts.ByName(ctx, "mallory") // nothing of it stays
		want(t, err, prefs.ErrNotFound)
	})
}

func TestNewUserHasQuietDefaults(t *testing.T) {
	each(t, func(t *testing.T, s *prefs.Store, _ *migrations.DB, _ *clock) {
		alice, _ := person(t, s, "alice")
		filters := must[[]prefs.Filter](t)(s.Filters.List(t.Context(), alice.ID))
		if len(filters) == 0 || len(filters) > 3 {
			t.Fatalf("%d default filters", len(filters))
		}
		for _, f := range filters {
			notMine := func(r rulespec.Rule) bool {
				return r.Kind == "actor" && r.Not && slices.Equal(r.Args["name"], []string{rulespec.Me})
			}
			if !f.On || f.Broken != "" || f.Owner != "alice" || !slices.ContainsFunc(f.Rules, notMine) {
				t.Errorf("default filter %+v", f)
			}
		}
	})
}

func TestRevisionRises(t *testing.T) {
	each(t, func(t *testing.T, s *prefs.Store, _ *migrations.DB, _ *clock) {
		ctx := t.Context()
		alice, mail := person(t, s, "alice")
		f := must[prefs.Filter](t)(s.Filters.Save(ctx, alice.ID, packageFilter("mine", "bash")))
		last := must[int64](t)(s.Subscriptions.Revision(ctx, nil))
		changes := map[string]func() error{
			"rename": func() error { return s.Accounts.Rename(ctx, alice.ID, "alicia") },
			"zone":   func() error { return s.Accounts.SetZone(ctx, alice.ID, "") },
			"schedule": func() error {
				return s.Destinations.SetSchedule(ctx, alice.ID, mail.ID, schedule.Schedule{Count: 5})
			},
			"off":      func() error { return s.Destinations.SetOn(ctx, alice.ID, mail.ID, false) },
			"disable":  func() error { return s.Destinations.Disable(ctx, mail.ID, "550") },
			"filter":   func() error { return s.Filters.SetOn(ctx, alice.ID, f.ID, false) },
			"one-shot": func() error { return setOneShot(ctx, s, alice.ID, f.ID, true) },
			"stop": func() error {
				_, err := s.Unsubscriber.Unsubscribe(ctx, links.Target{Filter: f.ID, Destination: mail.ID})
				return err
			},
			"save":    func() error { _, err := s.Filters.Save(ctx, alice.ID, f); return err },
			"new one": func() error { _, err := s.Filters.Save(ctx, alice.ID, packageFilter("x", "zsh")); return err },
			"copy":    func() error { _, err := s.Filters.Copy(ctx, alice.ID, f.ID); return err },
		}
		for name, change := range changes {
			ok(t, change())
			now := must[int64](t)(s.Subscriptions.Revision(ctx, nil))
			if now <= last {
				t.Errorf("%s: revision stays at %d", name, now)
			}
			last = now
		}
		want(t, s.Filters.SetOn(ctx, alice.ID, 9999, true), prefs.ErrNotFound)
		if now := must[int64](t)(s.Subscriptions.Revision(ctx, nil)); now != last {
			t.Errorf("a change that failed raised the revision")
		}
	})
}

func TestPruneDeletesWhatExpired(t *testing.T) {
	each(t, func(t *testing.T, s *prefs.Store, d *migrations.DB, c *clock) {
		ctx := t.Context()
		alice, _ := person(t, s, "alice")
		irc := must[prefs.Destination](t)(s.Destinations.Add(ctx, alice.ID, "irc", "alice"))
		must[accounts.Ticket](t)(s.Destinations.AskCode(ctx, alice.ID, irc.ID))
		must[string](t)(s.Accounts.NewSignIn(ctx, "alice@example.org"))
		ok(t, s.Sessions.CommitCtx(ctx, "token", []byte("x"), c.now().Add(time.Hour)))
		tables := []string{"sessions", "mailed", "mailed_secrets", "sent_codes"}
		count := func(table string) (n int64) {
			ok(t, d.Reader.Table(table).Count(&n).Error)
			return n
		}
		ok(t, s.Prune(ctx))
		for _, table := range tables {
			if count(table) == 0 {
				t.Errorf("%s: pruned too early", table)
			}
		}
		c.pass(25 * time.Hour)
		ok(t, s.Prune(ctx))
		for _, table := range tables {
			if n := count(table); n != 0 {
				t.Errorf("%s: %d rows left", table, n)
			}
		}
	})
}

func TestSecretsAreNotStored(t *testing.T) {
	each(t, func(t *testing.T, s *prefs.Store, d *migrations.DB, c *clock) {
		ctx := t.Context()
		alice, _ := person(t, s, "alice")
		irc := must[prefs.Destination](t)(s.Destinations.Add(ctx, alice.ID, "irc", "alice"))
		api := must[string](t)(s.Tokens.New(ctx, alice.ID, "laptop"))
		secrets := []string{
			must[string](t)(s.Destinations.NewCode(ctx, alice.ID, irc.ID)),
			must[string](t)(s.Accounts.NewSignIn(ctx, "alice@example.org")), api, "session-token",
		}
		ok(t, s.Sessions.CommitCtx(ctx, "session-token", []byte("x"), c.now().Add(time.Hour)))
		other := must[prefs.Destination](t)(s.Destinations.Add(ctx, alice.ID, "irc", "other"))
		must[accounts.Ticket](t)(s.Destinations.AskCode(ctx, alice.ID, other.ID))
		for _, table := range []string{"mailed", "mailed_secrets", "api_tokens", "sessions", "sent_codes"} {
			var rows []map[string]any
			ok(t, d.Reader.Table(table).Find(&rows).Error)
			if len(rows) == 0 {
				t.Errorf("%s is empty", table)
			}
			for _, row := range rows {
				for column, value := range row {
					text, _ := value.(string)
					for _, secret := range secrets {
						if strings.Contains(text, secret) || bytes.Contains([]byte(text), []byte("alice@")) &&
							table == "sent_codes" {
							t.Errorf("%s.%s holds %q", table, column, text)
						}
					}
				}
			}
		}
	})
}
