package prefs_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/prefs/links"
	"github.com/notifyd/notifyd/rulespec"
)

// namesOf returns the names of accounts.
func namesOf(list []prefs.Account) []string {
	names := []string{}
	for _, a := range list {
		names = append(names, a.Name)
	}
	return names
}

func TestOperatorsFindAnAccount(t *testing.T) {
	each(t, func(t *testing.T, s *prefs.Store, _ *migrations.DB, _ *clock) {
		alice, mail := person(t, s, "alice")
		bob, _ := person(t, s, "bob_a")
		must[prefs.Destination](t)(s.Destinations.Add(t.Context(), bob.ID, "irc", "Bobby@libera"))
		for typed, want := range map[string][]string{
			"alice": {"alice"}, " ALI ": {"alice"}, "a": {"alice", "bob_a"}, "ALICE@example.org": {"alice"},
			"alice@": {}, "example.org": {}, "@example.org": {}, "bobby": {"bob_a"}, "bobby@libera": {"bob_a"},
			"bobb": {}, "%": {}, "b_b": {}, "bob_": {"bob_a"}, "": {}, "\x00": {},
			fmt.Sprint(alice.ID): {"alice"}, "4711": {}, "99999999999999999999": {},
			strings.Repeat("x", 10_000): {},
		} {
			got := must[[]prefs.Account](t)(s.Operators.Find(t.Context(), typed))
			if !slices.Equal(namesOf(got), want) {
				t.Errorf("%.40q finds %v, want %v", typed, namesOf(got), want)
			}
		}
		held := must[[]prefs.Account](t)(s.Operators.Holding(t.Context(), []string{prefs.Key(mail.ID), "account:email:x"}))
		if !slices.Equal(namesOf(held), []string{"alice"}) {
			t.Errorf("of destinations: %v", namesOf(held))
		}
		if held = must[[]prefs.Account](t)(s.Operators.Holding(t.Context(), nil)); len(held) != 0 {
			t.Errorf("of no destination: %v", namesOf(held))
		}
	})
}

func TestOperatorsListAccounts(t *testing.T) {
	each(t, func(t *testing.T, s *prefs.Store, d *migrations.DB, _ *clock) {
		ctx := t.Context()
		var last prefs.User
		for i := range 5 {
			last, _ = person(t, s, fmt.Sprint("user", i))
		}
		ok(t, d.Writer.Exec("UPDATE users SET proof = 'claimed' WHERE name = 'user1'").Error)
		ok(t, d.Writer.Exec("UPDATE users SET disabled = 'spam', disabled_by = 'operator' WHERE name = 'user2'").Error)
		ok(t, d.Writer.Exec("UPDATE users SET proof = 'directory' WHERE name <> 'user1'").Error)
		ds := must[[]prefs.Destination](t)(s.Destinations.List(ctx, last.ID))
		ok(t, s.Destinations.Disable(ctx, ds[0].ID, "550 no such user"))
		for _, test := range []struct {
			query prefs.AccountQuery
			want  string
		}{
			{prefs.AccountQuery{}, "[user0 user1 user2 user3 user4]"},
			{prefs.AccountQuery{Limit: 2}, "[user0 user1]"},
			{prefs.AccountQuery{After: last.ID - 1}, "[user4]"},
			{prefs.AccountQuery{Claimed: true}, "[user1]"},
			{prefs.AccountQuery{Disabled: true}, "[user2]"},
			{prefs.AccountQuery{Stopped: true}, "[user4]"},
			{prefs.AccountQuery{IDs: []uint{}}, "[]"},
		} {
			if got := fmt.Sprint(namesOf(must[[]prefs.Account](t)(s.Operators.List(ctx, test.query)))); got != test.want {
				t.Errorf("%+v lists %s, want %s", test.query, got, test.want)
			}
		}
		a := must[prefs.Account](t)(s.Operators.Get(ctx, last.ID))
		if a.Destinations != 1 || a.Stopped != 1 || a.Filters == 0 || !a.Used.IsZero() || a.Created.IsZero() {
			t.Errorf("%+v", a)
		}
		_, err := s.Operators.Get(ctx, 4711)
		want(t, err, prefs.ErrNotFound)
		if stopped := must[[]prefs.Destination](t)(s.Operators.Stopped(ctx, 0, 9)); len(stopped) != 1 ||
			stopped[0].ID != ds[0].ID || stopped[0].Disabled != "550 no such user" {
			t.Errorf("stopped: %+v", stopped)
		}
	})
}

// TestAReasonStaysWhileTheFilterIsOff: the owner reads why an operator switched it off, until it is on again.
func TestAReasonStaysWhileTheFilterIsOff(t *testing.T) {
	each(t, func(t *testing.T, s *prefs.Store, _ *migrations.DB, _ *clock) {
		alice, mail := person(t, s, "alice")
		bob, _ := person(t, s, "bob")
		f := must[[]prefs.Filter](t)(s.Filters.List(t.Context(), alice.ID))[0]
		ctx := accounts.WithActor(t.Context(), accounts.Actor{Kind: accounts.Person, ID: bob.ID, Name: "bob", Role: "helper"})
		want(t, s.Operators.SwitchOff(ctx, bob.ID, f.ID, "not bob's"), prefs.ErrNotFound)
		if err := s.Operators.SwitchOff(ctx, alice.ID, f.ID, " \n"); err == nil {
			t.Error("no reason will do")
		}
		get := func() prefs.Filter { return must[prefs.Filter](t)(s.Filters.Get(t.Context(), alice.ID, f.ID)) }
		for name, on := range map[string]func() error{
			"switch": func() error { return s.Filters.SetOn(t.Context(), alice.ID, f.ID, true) },
			"save": func() error {
				was := get()
				was.On = true
				_, err := s.Filters.Save(t.Context(), alice.ID, was)
				return err
			},
			"undo": func() error {
				ok(t, s.Filters.SetOn(t.Context(), alice.ID, f.ID, true))
				did := must[links.Change](t)(s.Unsubscriber.Unsubscribe(t.Context(),
					links.Target{Destination: mail.ID, Filter: f.ID}))
				ok(t, s.Operators.SwitchOff(ctx, alice.ID, f.ID, "loud"))
				return s.Unsubscriber.Undo(t.Context(), did)
			},
		} {
			before := must[int64](t)(s.Subscriptions.Revision(t.Context(), nil))
			ok(t, s.Operators.SwitchOff(ctx, alice.ID, f.ID, "loud\x07 and\nlong"))
			if got := get(); got.On || got.OffReason != "loud and long" || got.OffBy != "bob" {
				t.Errorf("%s: %+v", name, got)
			}
			touched, whole, err := s.Subscriptions.Changes(nil, before, before+1)
			ok(t, err)
			if !whole || !slices.Equal(touched, []rulespec.FilterID{f.ID}) {
				t.Errorf("%s: the router is told of %v", name, touched)
			}
			edited := get()
			edited.Name = "Renamed"
			saved := must[prefs.Filter](t)(s.Filters.Save(t.Context(), alice.ID, edited))
			if got := get(); saved.On || got.OffReason == "" {
				t.Errorf("%s: an edit of what is off takes the reason: %+v", name, got)
			}
			copied := must[prefs.Filter](t)(s.Filters.Copy(t.Context(), alice.ID, f.ID))
			if copied.OffReason != "" {
				t.Errorf("%s: the copy has the reason", name)
			}
			ok(t, on())
			if got := get(); !got.On || got.OffReason != "" || got.OffBy != "" {
				t.Errorf("%s: on again: %+v", name, got)
			}
			ok(t, s.Filters.SetOn(context.WithoutCancel(t.Context()), alice.ID, f.ID, false))
			if got := get(); got.OffReason != "" {
				t.Errorf("%s: an old reason is back: %+v", name, got)
			}
			ok(t, s.Filters.SetOn(t.Context(), alice.ID, f.ID, true))
		}
	})
}

// TestOperatorLetsIn: somebody without a way in gets one by a new address, which gets no notices yet; nobody gets an
// address that is another person's.
func TestOperatorLetsIn(t *testing.T) {
	each(t, func(t *testing.T, s *prefs.Store, _ *migrations.DB, _ *clock) {
		ctx := t.Context()
		alice, first := person(t, s, "alice")
		bob, his := person(t, s, "bob")
		if err := s.Destinations.Disable(ctx, first.ID, "no such mailbox"); err != nil {
			t.Fatal(err)
		}
		to, err := s.Operators.LetIn(ctx, alice.ID, "email", "alice@new.example.org")
		if err != nil || !to.LetsIn() || to.On || !to.Confirmed {
			t.Fatalf("%+v, %v", to, err)
		}
		if u, _, err := s.Accounts.ByWayIn(ctx, "email", "alice@new.example.org"); err != nil || u.ID != alice.ID {
			t.Errorf("the address lets %+v in, %v", u, err)
		}
		if _, err := s.Operators.LetIn(ctx, bob.ID, "email", "alice@new.example.org"); !errors.Is(err, prefs.ErrClaimed) {
			t.Errorf("error %v for an address of somebody else", err)
		}
		if again, err := s.Operators.LetIn(ctx, bob.ID, "email", his.Address); err != nil || !again.On {
			t.Errorf("an address that got notices: %+v, %v", again, err)
		}
	})
}
