package prefs_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/prefs"
)

// toldBy confirms a destination with a code that was sent while an account of the network had the address.
func toldBy(t *testing.T, s *prefs.Store, user prefs.User, address, account string) prefs.Destination {
	t.Helper()
	ctx := t.Context()
	d := must[prefs.Destination](t)(s.Destinations.Add(ctx, user.ID, "irc", address))
	ticket, err := s.Destinations.AskCode(ctx, user.ID, d.ID)
	ok(t, err)
	parcel := backends.Parcel{To: address, Notices: []backends.Notice{{Text: backends.SecretMark, Secret: ticket.Ref}}}
	ok(t, s.Mailed.Fill(ctx, &parcel))
	ok(t, parcel.Held(ctx, account))
	ok(t, s.Destinations.Confirm(ctx, user.ID, d.ID, parcel.Notices[0].Text))
	return must[prefs.Destination](t)(s.Destinations.Get(ctx, user.ID, d.ID))
}

// TestDestinationIsBoundToWhoGotTheCode: of two codes, each says who had the address when it was sent.
func TestDestinationIsBoundToWhoGotTheCode(t *testing.T) {
	each(t, func(t *testing.T, s *prefs.Store, _ *migrations.DB, _ *clock) {
		ctx := t.Context()
		alice, mail := person(t, s, "alice")
		if d := toldBy(t, s, alice, "alice@local", "alice_acc"); d.Account != "alice_acc" || !d.Confirmed {
			t.Errorf("destination %+v", d)
		} else if holder, err := s.Destinations.Holder(ctx, prefs.Key(d.ID)); holder != "alice_acc" || err != nil {
			t.Errorf("held by %q, %v", holder, err)
		}
		for key, want := range map[string]error{prefs.Key(mail.ID): nil, "report:x": nil, "99999": prefs.ErrNotFound} {
			if holder, err := s.Destinations.Holder(ctx, key); holder != "" || err != want {
				t.Errorf("%s is held by %q, %v, want %v", key, holder, err, want)
			}
		}

		// a stranger has the nick for a while and asks for a code of his own: the other's code still says who got it
		bob, _ := person(t, s, "bob")
		mallory, _ := person(t, s, "mallory")
		code := func(user prefs.User, account string) (prefs.Destination, string) {
			d := must[prefs.Destination](t)(s.Destinations.Add(ctx, user.ID, "irc", "bob@local"))
			ticket, err := s.Destinations.AskCode(ctx, user.ID, d.ID)
			ok(t, err)
			p := backends.Parcel{To: "bob@local", Notices: []backends.Notice{{Text: backends.SecretMark, Secret: ticket.Ref}}}
			ok(t, s.Mailed.Fill(ctx, &p))
			ok(t, p.Held(ctx, account))
			return d, p.Notices[0].Text
		}
		d, bobs := code(bob, "bob")
		code(mallory, "mallory")
		ok(t, s.Destinations.Confirm(ctx, bob.ID, d.ID, bobs))
		if d = must[prefs.Destination](t)(s.Destinations.Get(ctx, bob.ID, d.ID)); d.Account != "bob" {
			t.Errorf("bob's destination is bound to %q", d.Account)
		}
	})
}

// TestStopByWhoHasTheAddress: as the wide link does it, by the account that has confirmed it where there is one.
func TestStopByWhoHasTheAddress(t *testing.T) {
	each(t, func(t *testing.T, s *prefs.Store, d *migrations.DB, _ *clock) {
		ctx := t.Context()
		alice, _ := person(t, s, "alice")
		bob, _ := person(t, s, "bob")
		stop := func(address, account string, want backends.Stopped) {
			t.Helper()
			did, err := s.Unsubscriber.StopAddress(ctx, "irc", address, account)
			ok(t, err)
			if did != want {
				t.Errorf("%s by %q: %+v, want %+v", address, account, did, want)
			}
		}
		bound := toldBy(t, s, alice, "alice@local", "alice_acc")
		stop("alice@local", "mallory", backends.Stopped{Bound: true})
		stop("alice@local", "", backends.Stopped{Bound: true})
		stop("alice@local", "alice_acc", backends.Stopped{Destinations: 1})
		stop("alice@local", "alice_acc", backends.Stopped{})
		stop("nobody@local", "alice_acc", backends.Stopped{})
		if got := must[prefs.Destination](t)(s.Destinations.Get(ctx, alice.ID, bound.ID)); got.On {
			t.Errorf("destination %+v", got)
		}
		f := must[prefs.Filter](t)(s.Filters.Save(ctx, alice.ID, packageFilter("all", "bash")))
		for _, sub := range subscriptions(t, s, d) {
			if sub.Filter.ID == f.ID && slices.ContainsFunc(sub.Destinations,
				func(to prefs.Destination) bool { return to.ID == bound.ID }) {
				t.Error("a filter reaches what was stopped")
			}
		}

		// where nobody can tell who has a nick, whoever has it can stop what is sent there
		free := toldBy(t, s, bob, "bob@local", "")
		stop("bob@local", "", backends.Stopped{Destinations: 1})
		ok(t, s.Destinations.SetOn(ctx, bob.ID, free.ID, true))

		// a stranger has asked for a code: it is worthless, and he sees why
		claim := must[prefs.Destination](t)(s.Destinations.Add(ctx, bob.ID, "irc", "carol@local"))
		code := must[string](t)(s.Destinations.NewCode(ctx, bob.ID, claim.ID))
		stop("carol@local", "", backends.Stopped{Claims: 1})
		want(t, s.Destinations.Confirm(ctx, bob.ID, claim.ID, code), prefs.ErrCode)
		claim = must[prefs.Destination](t)(s.Destinations.Get(ctx, bob.ID, claim.ID))
		if !strings.Contains(claim.Disabled, "said stop") {
			t.Errorf("the claim is %+v", claim)
		}
	})
}

// TestRespell: spellings of one address become one, and nothing is lost but the second confirmation.
func TestRespell(t *testing.T) {
	each(t, func(t *testing.T, s *prefs.Store, d *migrations.DB, _ *clock) {
		ctx := t.Context()
		alice, _ := person(t, s, "alice")
		bob, _ := person(t, s, "bob")
		carol, _ := person(t, s, "carol")
		first := toldBy(t, s, alice, "nick", "")
		second := toldBy(t, s, bob, "NICK@local", "")
		again := toldBy(t, s, alice, "nick@LOCAL", "")
		claim := must[prefs.Destination](t)(s.Destinations.Add(ctx, carol.ID, "irc", "nick@local"))
		other := toldBy(t, s, carol, "else@where", "")
		only := packageFilter("only again", "bash")
		only.Destinations = []uint{again.ID}
		only = must[prefs.Filter](t)(s.Filters.Save(ctx, alice.ID, only))
		canonical := func(address string) (string, error) {
			nick, network, _ := strings.Cut(strings.ToLower(address), "@")
			if network == "where" {
				return "", prefs.ErrNotFound
			}
			return nick + "@local", nil
		}
		lost, err := s.Destinations.Respell(ctx, "irc", canonical)
		ok(t, err)
		if len(lost) != 1 || lost[0].User.ID != bob.ID || lost[0].Destination.ID != second.ID {
			t.Errorf("lost %+v", lost)
		}
		get := func(user prefs.User) (all []prefs.Destination) {
			for _, d := range must[[]prefs.Destination](t)(s.Destinations.List(ctx, user.ID)) {
				if d.Backend == "irc" {
					all = append(all, d)
				}
			}
			return all
		}
		if all := get(alice); len(all) != 1 || all[0].ID != first.ID || all[0].Address != "nick@local" || !all[0].Confirmed {
			t.Errorf("alice has %+v", all)
		}
		if all := get(bob); len(all) != 1 || all[0].Address != "nick@local" || all[0].Confirmed ||
			!strings.Contains(all[0].Disabled, "another account has confirmed") {
			t.Errorf("bob has %+v", all)
		}
		if all := get(carol); len(all) != 2 || all[0].ID != claim.ID || all[0].Confirmed || all[1].Address != other.Address {
			t.Errorf("carol has %+v", all)
		}
		only = must[prefs.Filter](t)(s.Filters.Get(ctx, alice.ID, only.ID))
		if !slices.Equal(only.Destinations, []uint{first.ID}) || !only.On {
			t.Errorf("the filter goes to %v, on %v", only.Destinations, only.On)
		}
		reaches := 0
		for _, sub := range subscriptions(t, s, d) {
			for _, to := range sub.Destinations {
				if to.Backend == "irc" && to.UserID == bob.ID {
					t.Errorf("notices still go to %+v", to)
				}
				if sub.Filter.ID == only.ID && to.ID == first.ID {
					reaches++
				}
			}
		}
		if reaches != 1 {
			t.Errorf("the filter reaches the nick %d times", reaches)
		}
		lost, err = s.Destinations.Respell(ctx, "irc", canonical)
		if len(lost) != 0 || err != nil {
			t.Errorf("a second time: %+v, %v", lost, err)
		}
	})
}
