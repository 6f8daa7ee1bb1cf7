package prefs_test

import (
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/prefs/links"
	"github.com/notifyd/notifyd/prefs/returned"
	"github.com/notifyd/notifyd/prefs/schedule"
	"github.com/notifyd/notifyd/rulespec"
)

func TestDestinations(t *testing.T) {
	each(t, func(t *testing.T, s *prefs.Store, _ *migrations.DB, _ *clock) {
		ctx := t.Context()
		alice, mail := person(t, s, "alice")
		bob, _ := person(t, s, "bob")
		irc := must[prefs.Destination](t)(s.Destinations.Add(ctx, alice.ID, "irc", "alice"))
		if irc.Confirmed || !irc.On {
			t.Errorf("a new destination is %+v", irc)
		}
		if again := must[prefs.Destination](t)(s.Destinations.Add(ctx, alice.ID, "irc", "alice")); again.ID != irc.ID {
			t.Errorf("added again it is %+v", again)
		}
		schedule := schedule.Schedule{Every: 90 * time.Minute, Count: 7, At: "07:30",
			Weekdays: []time.Weekday{time.Sunday, time.Saturday}}
		ok(t, s.Destinations.SetSchedule(ctx, alice.ID, mail.ID, schedule))
		got := must[prefs.Destination](t)(s.Destinations.Get(ctx, alice.ID, mail.ID))
		if !reflect.DeepEqual(got.Schedule, schedule) {
			t.Errorf("schedule %+v", got.Schedule)
		}
		ok(t, s.Destinations.Disable(ctx, mail.ID, "550 no such\nuser"))
		got = must[prefs.Destination](t)(s.Destinations.Get(ctx, alice.ID, mail.ID))
		if got.Disabled != "550 no such user" {
			t.Errorf("disabled %q", got.Disabled)
		}
		ok(t, s.Destinations.SetOn(ctx, alice.ID, mail.ID, true))
		if got := must[prefs.Destination](t)(s.Destinations.Get(ctx, alice.ID, mail.ID)); got.Disabled != "" {
			t.Errorf("on again, but disabled %q", got.Disabled)
		}
		// nothing of it is bob's
		_, err := s.Destinations.Get(ctx, bob.ID, mail.ID)
		want(t, err, prefs.ErrNotFound)
		want(t, s.Destinations.SetSchedule(ctx, bob.ID, mail.ID, schedule), prefs.ErrNotFound)
		want(t, s.Destinations.SetOn(ctx, bob.ID, mail.ID, false), prefs.ErrNotFound)
		want(t, s.Destinations.Delete(ctx, bob.ID, mail.ID), prefs.ErrNotFound)
		_, err = s.Destinations.NewCode(ctx, bob.ID, irc.ID)
		want(t, err, prefs.ErrNotFound)
		for _, address := range []string{"", "a\nb", "\xff", strings.Repeat("x", 600)} {
			if _, err := s.Destinations.Add(ctx, alice.ID, "email", address); !isInput(err) {
				t.Errorf("AddDestination(%q) = %v", address, err)
			}
		}
		for n := 0; ; n++ {
			if _, err = s.Destinations.Add(ctx, alice.ID, "irc", strings.Repeat("x", n+1)); err != nil || n > 100 {
				break
			}
		}
		want(t, err, prefs.ErrTooMany)
	})
}

func TestDeletedDestinationWidensNothing(t *testing.T) {
	each(t, func(t *testing.T, s *prefs.Store, d *migrations.DB, _ *clock) {
		ctx := t.Context()
		alice, mail := person(t, s, "alice")
		irc := confirmed(t, s, alice, "irc", "alice")
		only, both := packageFilter("only irc", "bash"), packageFilter("both", "zsh")
		only.Destinations, both.Destinations = []uint{irc.ID}, []uint{irc.ID, mail.ID}
		only = must[prefs.Filter](t)(s.Filters.Save(ctx, alice.ID, only))
		both = must[prefs.Filter](t)(s.Filters.Save(ctx, alice.ID, both))
		ok(t, s.Destinations.Delete(ctx, alice.ID, irc.ID))
		ok(t, s.Filters.SetOn(ctx, alice.ID, only.ID, true)) // the owner switches it on anyway
		got := must[prefs.Filter](t)(s.Filters.Get(ctx, alice.ID, only.ID))
		if got.Broken == "" || len(got.Destinations) != 0 {
			t.Errorf("the filter is %+v", got)
		}
		for _, sub := range subscriptions(t, s, d) {
			if sub.Filter.ID == only.ID {
				t.Errorf("it reaches %+v", sub.Destinations)
			}
			if sub.Filter.ID == both.ID && (len(sub.Destinations) != 1 || sub.Destinations[0].ID != mail.ID) {
				t.Errorf("the other reaches %+v", sub.Destinations)
			}
		}
	})
}

func TestConfirm(t *testing.T) {
	each(t, func(t *testing.T, s *prefs.Store, _ *migrations.DB, c *clock) {
		ctx := t.Context()
		alice, _ := person(t, s, "alice")
		bob, _ := person(t, s, "bob")
		d := must[prefs.Destination](t)(s.Destinations.Add(ctx, alice.ID, "irc", "alice"))
		must[string](t)(s.Destinations.NewCode(ctx, alice.ID, d.ID))
		code := must[string](t)(s.Destinations.NewCode(ctx, alice.ID, d.ID))
		want(t, s.Destinations.Confirm(ctx, bob.ID, d.ID, code), prefs.ErrNotFound)
		want(t, s.Destinations.Confirm(ctx, alice.ID, d.ID, ""), prefs.ErrCode)
		typed := " " + strings.ToLower(strings.NewReplacer("-", "", "0", "o", "1", "l").Replace(code))
		ok(t, s.Destinations.Confirm(ctx, alice.ID, d.ID, typed))
		want(t, s.Destinations.Confirm(ctx, alice.ID, d.ID, code), prefs.ErrCode) // used up
		if got := must[prefs.Destination](t)(s.Destinations.Get(ctx, alice.ID, d.ID)); !got.Confirmed {
			t.Errorf("destination %+v", got)
		}

		late := must[prefs.Destination](t)(s.Destinations.Add(ctx, alice.ID, "irc", "late"))
		code = must[string](t)(s.Destinations.NewCode(ctx, alice.ID, late.ID))
		c.pass(time.Hour)
		want(t, s.Destinations.Confirm(ctx, alice.ID, late.ID, code), prefs.ErrCode)
		code = must[string](t)(s.Destinations.NewCode(ctx, alice.ID, late.ID))
		for range 5 {
			want(t, s.Destinations.Confirm(ctx, alice.ID, late.ID, "00000-00000"), prefs.ErrCode)
		}
		want(t, s.Destinations.Confirm(ctx, alice.ID, late.ID, code), prefs.ErrCode) // tried too often
	})
}

func TestPendingClaimBlocksNobody(t *testing.T) {
	each(t, func(t *testing.T, s *prefs.Store, _ *migrations.DB, _ *clock) {
		ctx := t.Context()
		alice, _ := person(t, s, "alice")
		mallory, _ := person(t, s, "mallory")
		claim := must[prefs.Destination](t)(s.Destinations.Add(ctx, mallory.ID, "irc", "alice"))
		code := must[string](t)(s.Destinations.NewCode(ctx, mallory.ID, claim.ID))
		confirmed(t, s, alice, "irc", "alice")
		if u := must[prefs.User](t)(s.Accounts.ByAddress(ctx, "irc", "alice")); u.ID != alice.ID {
			t.Errorf("the address belongs to %+v", u)
		}
		want(t, s.Destinations.Confirm(ctx, mallory.ID, claim.ID, code), prefs.ErrClaimed)
	})
}

func TestCodesAreLimited(t *testing.T) {
	each(t, func(t *testing.T, s *prefs.Store, _ *migrations.DB, c *clock) {
		ctx := t.Context()
		claim := func(name, address string) (uint, uint) {
			u, err := s.Accounts.ByName(ctx, name)
			if err != nil {
				u, _ = person(t, s, name)
			}
			return u.ID, must[prefs.Destination](t)(s.Destinations.Add(ctx, u.ID, "irc", address)).ID
		}
		flood := func(name string, addresses ...string) (sent int) {
			for _, address := range addresses {
				u, d := claim(name, address)
				for range 12 {
					ticket := must[accounts.Ticket](t)(s.Destinations.AskCode(ctx, u, d))
					if ticket.TooOften {
						break
					}
					sent++
					c.pass(time.Minute)
				}
			}
			return sent
		}
		if n := flood("mallory", "victim"); n != 5 {
			t.Errorf("one address got %d codes", n)
		}
		if n := flood("malice", "victim"); n != 5 {
			t.Errorf("another account sent it %d more", n)
		}
		if n := flood("late", "victim"); n != 1 {
			t.Errorf("a third account, which may be its owner's, sent it %d more", n)
		}
		if n := flood("trudy", "a", "b", "c", "d"); n != 10 {
			t.Errorf("one user sent %d codes", n)
		}
		c.pass(time.Hour + time.Second)
		if n := flood("trudy", "e"); n != 5 {
			t.Errorf("an hour later one user sent %d", n)
		}
		c.pass(24 * time.Hour)
		if n := flood("malice", "victim"); n != 5 {
			t.Errorf("a day later the address got %d", n)
		}
	})
}

// TestCodesAreLimitedAtOnce requests many codes for one address at once.
func TestCodesAreLimitedAtOnce(t *testing.T) {
	each(t, func(t *testing.T, s *prefs.Store, _ *migrations.DB, _ *clock) {
		var sent atomic.Int32
		var wg sync.WaitGroup
		for _, name := range []string{"a", "b", "c", "d"} {
			u, _ := person(t, s, name)
			d := must[prefs.Destination](t)(s.Destinations.Add(t.Context(), u.ID, "irc", "victim"))
			for range 3 {
				wg.Go(func() {
					if ticket, err := s.Destinations.AskCode(t.Context(), u.ID, d.ID); err == nil && ticket.Ref != "" {
						sent.Add(1)
					}
				})
			}
		}
		wg.Wait()
		if n := sent.Load(); n != 4 { // one for each account: the others ask for what is on its way
			t.Errorf("%d codes", n)
		}
	})
}

// TestConfirmAtOnce: several users confirm one address at once, and only one of them gets it.
func TestConfirmAtOnce(t *testing.T) {
	each(t, func(t *testing.T, s *prefs.Store, _ *migrations.DB, _ *clock) {
		var got atomic.Int32
		var wg sync.WaitGroup
		for _, name := range []string{"a", "b", "c", "d"} {
			u, _ := person(t, s, name)
			d := must[prefs.Destination](t)(s.Destinations.Add(t.Context(), u.ID, "irc", "shared"))
			code := must[string](t)(s.Destinations.NewCode(t.Context(), u.ID, d.ID))
			wg.Go(func() {
				switch err := s.Destinations.Confirm(t.Context(), u.ID, d.ID, code); err {
				case nil:
					got.Add(1)
				case prefs.ErrClaimed:
				default:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if got.Load() != 1 {
			t.Errorf("%d users have it", got.Load())
		}
	})
}

func TestStop(t *testing.T) {
	each(t, func(t *testing.T, s *prefs.Store, d *migrations.DB, _ *clock) {
		ctx := t.Context()
		alice, mail := person(t, s, "alice")
		irc := confirmed(t, s, alice, "irc", "alice")
		bob, bobs := person(t, s, "bob")
		f := must[prefs.Filter](t)(s.Filters.Save(ctx, alice.ID, packageFilter("all", "bash")))
		reaches := func() (ids []uint) {
			for _, sub := range subscriptions(t, s, d) {
				if sub.Filter.ID == f.ID {
					for _, d := range sub.Destinations {
						ids = append(ids, d.ID)
					}
				}
			}
			return ids
		}
		step := func(err error, want ...uint) {
			t.Helper()
			ok(t, err)
			if got := reaches(); len(got) != len(want) || len(got) > 0 && !reflect.DeepEqual(got, want) {
				t.Fatalf("the filter reaches %v, want %v", got, want)
			}
		}
		atMail, atIRC := links.Target{Filter: f.ID, Destination: mail.ID},
			links.Target{Filter: f.ID, Destination: irc.ID}
		var did links.Change
		stop := func(a links.Target) (err error) { did, err = s.Unsubscriber.Unsubscribe(ctx, a); return err }
		detached := links.Change{Target: atMail, Detached: true}
		step(nil, mail.ID, irc.ID)
		step(stop(atMail), irc.ID)
		if did != detached {
			t.Errorf("Stop = %+v, want %+v", did, detached)
		}
		step(stop(atMail), irc.ID)
		if did.Any() {
			t.Errorf("the second Stop = %+v, want that it changed nothing", did)
		}
		step(s.Unsubscriber.Undo(ctx, did), irc.ID)
		step(s.Unsubscriber.Undo(ctx, detached), mail.ID, irc.ID)
		step(stop(atIRC), mail.ID)
		atIRCDid := did
		step(stop(atMail))
		if got := must[prefs.Filter](t)(s.Filters.Get(ctx, alice.ID, f.ID)); got.On || !did.SwitchedOff {
			t.Errorf("a filter that reaches nobody is on: %v; Stop = %+v", got.On, did)
		}
		step(s.Unsubscriber.Undo(ctx, atIRCDid)) // that stop did not switch the filter off
		step(s.Unsubscriber.Undo(ctx, did), mail.ID, irc.ID)
		step(stop(links.Target{Destination: irc.ID}), mail.ID)
		step(s.Unsubscriber.Undo(ctx, did), mail.ID, irc.ID)

		// a filter that its owner has switched off stays off, even when the link is undone
		ok(t, s.Filters.SetOn(ctx, alice.ID, f.ID, false))
		step(stop(atMail))
		step(s.Unsubscriber.Undo(ctx, did))
		ok(t, s.Destinations.SetOn(ctx, alice.ID, irc.ID, false))
		step(stop(links.Target{Destination: irc.ID}))
		if did.Any() {
			t.Errorf("stopping what is off = %+v", did)
		}

		to, about, err := s.Unsubscriber.Subject(ctx, atIRC)
		ok(t, err)
		if to.ID != irc.ID || about.ID != f.ID || about.Name != "all" {
			t.Errorf("Target = %+v, %+v", to, about)
		}
		// a destination of bob's and a filter of alice's are never accepted together
		crossed := links.Target{Filter: f.ID, Destination: bobs.ID}
		want(t, stop(crossed), prefs.ErrNotFound)
		want(t, s.Unsubscriber.Undo(ctx, links.Change{Target: crossed, Detached: true, SwitchedOff: true}),
			prefs.ErrNotFound)
		_, _, err = s.Unsubscriber.Subject(ctx, crossed)
		want(t, err, prefs.ErrNotFound)
		want(t, stop(links.Target{Filter: rulespec.FilterID(999), Destination: bobs.ID}), prefs.ErrNotFound)
		_ = bob
	})
}

// TestReturned: what comes back ends a destination in one transaction, once, and tells its owner elsewhere.
func TestReturned(t *testing.T) {
	each(t, func(t *testing.T, s *prefs.Store, _ *migrations.DB, c *clock) {
		ctx := t.Context()
		alice, mail := person(t, s, "alice")
		irc := confirmed(t, s, alice, "irc", "alice")
		var told []string
		v := prefs.Verdict{Rule: returned.Rule{Days: 7, Failures: 5},
			Sent: func(*gorm.DB, string) ([]returned.Sent, error) { return nil, nil },
			Tell: func(_ *gorm.DB, off prefs.Destination, others []prefs.Destination, why string) error {
				told = append(told, why)
				if len(others) != 1 || others[0].ID != irc.ID || off.ID != mail.ID {
					t.Errorf("told %+v of %+v", others, off)
				}
				return nil
			}}
		back := func(parcel, kind string) returned.Outcome {
			t.Helper()
			e := returned.Event{Parcel: parcel, Kind: kind, Words: "why", At: c.now()}
			return must[returned.Outcome](t)(s.Destinations.Returned(ctx, mail.ID, e, v))
		}
		for i := range 30 {
			if out := back(string(rune('a'+i)), "content"); out.Off != "" {
				t.Fatalf("a content ended it: %+v", out)
			}
		}
		for range 3 {
			back("full", returned.Full)
		}
		if out := back("hard", returned.Hard); !out.Forever || out.Off == "" {
			t.Errorf("hard: %+v", out)
		}
		if out := back("hard", returned.Hard); !out.Again {
			t.Errorf("hard again: %+v", out)
		}
		got := must[prefs.Destination](t)(s.Destinations.Get(ctx, alice.ID, mail.ID))
		if got.Disabled != "it does not exist: why" || got.SignIn || len(told) != 1 {
			t.Errorf("%+v, told %q", got, told)
		}
		ok(t, s.Destinations.SetOn(ctx, alice.ID, mail.ID, true))
		if out := back("soft", returned.Soft); out.Off != "" {
			t.Errorf("switched on it remembers what was: %+v", out)
		}
		back("complaint", returned.Complaint)
		got = must[prefs.Destination](t)(s.Destinations.Get(ctx, alice.ID, mail.ID))
		if got.On || got.OffReason == "" || got.Disabled != "" || len(told) != 2 {
			t.Errorf("after a complaint: %+v, told %q", got, told)
		}
		_, err := s.Destinations.Returned(ctx, 4711, returned.Event{Kind: returned.Hard, At: c.now()}, v)
		want(t, err, prefs.ErrNotFound)
	})
}
