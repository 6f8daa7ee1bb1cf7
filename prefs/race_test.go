package prefs_test

import (
	"crypto/rand"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	"gorm.io/gorm"

	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/rulespec"
)

// These races are between nodes on PostgreSQL, held open until both sides are in them. SQLite has one writer.

func postgres(t *testing.T) (*prefs.Store, *migrations.DB) {
	d := migratest.Open(t, migratest.Postgres(t))
	return openStore(d, newClock().now), d
}

// blocked waits until the given number of statements wait for a lock in this database.
func blocked(t *testing.T, d *migrations.DB, want int) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		var n int
		ok(t, d.Reader.Raw("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND "+
			"wait_event_type = 'Lock'").Scan(&n).Error)
		if n == want {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d statements wait, want %d", n, want)
		}
		<-tick.C
	}
}

// TestOneShotBetweenNodes: a second node reads a filter that the first has switched off, but not yet committed.
func TestOneShotBetweenNodes(t *testing.T) {
	s, d := postgres(t)
	alice, _ := person(t, s, "alice")
	f := packageFilter("once", "bash")
	f.OneShot = true
	f = must[prefs.Filter](t)(s.Filters.Save(t.Context(), alice.ID, f))
	fire := func(tx *gorm.DB, want int) error {
		switched, err := s.Subscriptions.SwitchOffOneShots(tx, []rulespec.FilterID{f.ID})
		if err == nil && len(switched) != want {
			err = fmt.Errorf("switched off %v, want %d", switched, want)
		}
		return err
	}
	first := d.Writer.Begin()
	defer first.Rollback()
	ok(t, fire(first, 1))
	var second errgroup.Group
	second.Go(func() error {
		return d.Writer.Transaction(func(tx *gorm.DB) error { return fire(tx, 0) })
	})
	blocked(t, d, 1)
	ok(t, first.Commit().Error)
	ok(t, second.Wait())
}

// TestUserIsLockedFirst: who locks a user and then what hangs on the user meets nobody who does it the other way round.
func TestUserIsLockedFirst(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(t *testing.T, s *prefs.Store, alice prefs.User) (change func() error)
		table   string
	}{
		"a code is typed while another is asked": {func(t *testing.T, s *prefs.Store, alice prefs.User) func() error {
			d := must[prefs.Destination](t)(s.Destinations.Add(t.Context(), alice.ID, "email", "new@example.org"))
			code := must[string](t)(s.Destinations.NewCode(t.Context(), alice.ID, d.ID))
			return func() error { return s.Destinations.Confirm(t.Context(), alice.ID, d.ID, code) }
		}, "mailed"},
		"an address is stopped while a code is asked": {func(t *testing.T, s *prefs.Store, alice prefs.User) func() error {
			d := must[prefs.Destination](t)(s.Destinations.Add(t.Context(), alice.ID, "irc", "alice@local"))
			must[string](t)(s.Destinations.NewCode(t.Context(), alice.ID, d.ID))
			return func() error {
				_, err := s.Unsubscriber.StopAddress(t.Context(), "irc", "alice@local", "")
				return err
			}
		}, "mailed"},
		"a link undoes while the account is deleted": {func(t *testing.T, s *prefs.Store, alice prefs.User) func() error {
			d := must[prefs.Destination](t)(s.Destinations.Add(t.Context(), alice.ID, "email", "new@example.org"))
			code := must[string](t)(s.Destinations.NewCode(t.Context(), alice.ID, d.ID))
			ok(t, s.Destinations.Confirm(t.Context(), alice.ID, d.ID, code))
			secret := undoSecret(t, s, "alice@example.org")
			return func() error {
				_, err := s.Undos.Do(t.Context(), secret)
				return err
			}
		}, "mailed"},
		"one signs in twice at once": {func(t *testing.T, s *prefs.Store, alice prefs.User) func() error {
			id := accounts.Identity{Way: "sso", Issuer: "https://id.example.org", Subject: "1", Name: "alice"}
			must[uint](t)(s.Accounts.Link(t.Context(), alice.ID, id))
			return func() error {
				_, err := s.Accounts.SignInAs(t.Context(), id)
				return err
			}
		}, "identities"},
	} {
		t.Run(name, func(t *testing.T) {
			s, d := postgres(t)
			alice, _ := person(t, s, "alice")
			change := c.prepare(t, s, alice)
			first := d.Writer.Begin()
			defer first.Rollback()
			ok(t, first.Exec("SELECT id FROM users WHERE id = ? FOR UPDATE", alice.ID).Error)
			var second errgroup.Group
			second.Go(change)
			blocked(t, d, 1)
			ok(t, first.Exec("SET LOCAL lock_timeout = '5s'").Error)
			if err := first.Exec("UPDATE "+c.table+" SET id = id WHERE user_id = ?", alice.ID).Error; err != nil {
				t.Errorf("the change has locked %s before the user: %v", c.table, err)
			}
			ok(t, first.Commit().Error)
			ok(t, second.Wait())
		})
	}
}

// TestLimitBetweenNodes: many nodes are asked for links to one mailbox while none of them can record it.
func TestLimitBetweenNodes(t *testing.T) {
	s, d := postgres(t)
	const askers = 8
	holder := d.Writer.Begin()
	defer holder.Rollback()
	ok(t, holder.Exec("LOCK TABLE sent_codes IN SHARE MODE").Error) // reads pass, inserts wait
	var sent atomic.Int32
	var all errgroup.Group
	for i := range askers {
		all.Go(func() error {
			address := fmt.Sprintf("victim+%d@example.org", i)
			ticket, err := s.Accounts.AskSignIn(t.Context(), "email", address, accounts.Asker{})
			if ticket.Ref != "" {
				sent.Add(1)
			}
			return err
		})
	}
	blocked(t, d, askers)
	ok(t, holder.Rollback().Error)
	ok(t, all.Wait())
	if n := sent.Load(); n != 5 {
		t.Errorf("%d links went to one mailbox", n)
	}
}

// TestOneShotsAndPagesDoNotLockEachOther delivers for one-shot filters while their owners change them.
func TestOneShotsAndPagesDoNotLockEachOther(t *testing.T) {
	s, d := postgres(t)
	alice, _ := person(t, s, "alice")
	var ids []rulespec.FilterID
	for range 3 {
		f := packageFilter("once", "bash")
		f.OneShot = true
		ids = append(ids, must[prefs.Filter](t)(s.Filters.Save(t.Context(), alice.ID, f)).ID)
	}
	var all errgroup.Group
	for worker := range 4 {
		all.Go(func() error {
			for i := range 25 {
				one, other := ids[(worker+i)%3], ids[(worker+i+1)%3]
				if worker%2 == 0 {
					if err := s.Filters.SetOn(t.Context(), alice.ID, one, true); err != nil {
						return err
					}
					continue
				}
				err := d.Writer.Transaction(func(tx *gorm.DB) error { // two messages of one batch
					if _, err := s.Subscriptions.SwitchOffOneShots(tx, []rulespec.FilterID{one}); err != nil {
						return err
					}
					_, err := s.Subscriptions.SwitchOffOneShots(tx, []rulespec.FilterID{other})
					return err
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	ok(t, all.Wait())
}

// TestClosingWaitsForWhatIsBeingRouted: a destination is switched off while a node has read the preferences and is
// about to store a delivery by them.
func TestClosingWaitsForWhatIsBeingRouted(t *testing.T) {
	_, d := postgres(t)
	o := outbox.New(d.Writer, d.Reader, true, outbox.Config{}, newClock().now, rand.Reader)
	s := prefs.Open(prefs.Config{
		Writer: d.Writer, Reader: d.Reader, Now: newClock().now, Random: rand.Reader, ClaimedNames: yes,
		OnClose: func(tx *gorm.DB, destinations []string, why string) error {
			_, err := o.Cancel(tx, destinations, why)
			return err
		},
	})
	alice := must[prefs.User](t)(s.Accounts.Register(t.Context(), "alice", "", "email", "alice@example.org"))
	mail := must[[]prefs.Destination](t)(s.Destinations.List(t.Context(), alice.ID))[0]
	routing := d.Writer.Begin()
	defer routing.Rollback()
	must[int64](t)(s.Subscriptions.Revision(t.Context(), routing))
	var closing errgroup.Group
	closing.Go(func() error { return s.Destinations.SetOn(t.Context(), alice.ID, mail.ID, false) })
	blocked(t, d, 1)
	_, err := o.Add(routing, []outbox.Delivery{{Message: "m1", Destination: prefs.Key(mail.ID), Backend: "email",
		Address: "alice@example.org"}})
	ok(t, err)
	ok(t, routing.Commit().Error)
	ok(t, closing.Wait())
	left := must[[]outbox.Entry](t)(o.OfMessage(t.Context(), "m1", []string{prefs.Key(mail.ID)}))
	if len(left) != 1 || left[0].State != outbox.Dead {
		t.Errorf("what was routed meanwhile is %+v, want it dead", left)
	}
}
