package prefs_test

import (
	"testing"

	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/accounts"
)

// says makes the directory say where people can be reached by mail.
func (s *provedSite) says(name string, sure bool, mails ...string) {
	s.town.reach[name] = []accounts.Reach{{Backend: "email", Addresses: mails, Sure: sure}}
}

func (s *provedSite) own(id uint) []prefs.Destination {
	s.t.Helper()
	return must[[]prefs.Destination](s.t)(s.Destinations.List(s.t.Context(), id))
}

func (s *provedSite) offers(id uint) []prefs.Offer {
	s.t.Helper()
	return must[[]prefs.Offer](s.t)(s.Destinations.Offers(s.t.Context(), id))
}

// TestVouched adds an address on the directory's word. It gets notices, lets nobody in and proves no name, until a code
// has come back from there.
func TestVouched(t *testing.T) {
	eachProved(t, func(t *testing.T, s *provedSite) {
		ctx := t.Context()
		bob := s.signIn(at("a.example", "1", "bob")).User
		s.says("bob", true, "Bob@example.org")
		if got := s.offers(bob.ID); len(got) != 1 || got[0] != (prefs.Offer{Backend: "email", Address: "Bob@example.org",
			Sure: true}) {
			t.Fatalf("offers %+v", got)
		}
		d := must[prefs.Destination](t)(s.Destinations.AddVouched(ctx, bob.ID, "email", "bob@example.org"))
		if d.Address != "Bob@example.org" || !d.Confirmed || !d.On || !d.Vouched || d.SignIn {
			t.Errorf("%+v", d)
		}
		if got := s.offers(bob.ID); len(got) != 0 {
			t.Errorf("it is offered again: %+v", got)
		}
		if _, _, err := s.Accounts.ByWayIn(ctx, "email", "bob@example.org"); err == nil {
			t.Error("it lets somebody in")
		}
		last := must[[]accounts.Entry](t)(s.Audit.Of(ctx, bob.ID, 0, 2))
		if last[0].What != accounts.DestinationConfirm || last[0].After["vouched for by"] != "the directory" ||
			last[1].What != accounts.DestinationAdd {
			t.Errorf("noted: %+v", last)
		}
		// a code to it makes it a way in, and it needs nobody's word any more
		ref := must[accounts.Ticket](t)(s.Destinations.AskLetIn(ctx, bob.ID, d.ID)).Ref
		ok(t, s.Destinations.LetIn(ctx, bob.ID, d.ID, mailedSecret(t, s.Store, ref, d.Address)))
		s.says("bob", true, "other@example.org")
		if got := must[prefs.Reviewed](t)(s.Accounts.Review(ctx)); got != (prefs.Reviewed{}) {
			t.Errorf("%+v", got)
		}
		if got := s.own(bob.ID)[0]; !got.Confirmed || got.Vouched || !got.SignIn {
			t.Errorf("%+v", got)
		}
	})
}

// TestVouchedForOthers: the directory's word counts for a proved name alone, for that person's addresses alone, and not
// against somebody who has confirmed an address.
func TestVouchedForOthers(t *testing.T) {
	eachProved(t, func(t *testing.T, s *provedSite) {
		ctx := t.Context()
		refused := func(why string, id uint, address string, target error) {
			t.Helper()
			_, err := s.Destinations.AddVouched(ctx, id, "email", address)
			want(t, err, target)
			for _, d := range s.own(id) {
				if d.Address == address {
					t.Errorf("%s: %+v is there", why, d)
				}
			}
		}
		bob := s.signIn(at("a.example", "1", "bob")).User
		s.says("bob", true, "bob@example.org", "carol@example.org")
		s.says("eve", true, "eve@example.org")
		carol := s.register("carol@example.org") // has no name, and has confirmed her address
		refused("another person's", bob.ID, "eve@example.org", prefs.ErrNotFound)
		refused("of an account without a name", carol.ID, "bob@example.org", prefs.ErrNotFound)
		refused("confirmed by another account", bob.ID, "carol@example.org", prefs.ErrClaimed)
		refused("of another backend", bob.ID, "bob", prefs.ErrNotFound)
		if got := s.offers(carol.ID); got != nil {
			t.Errorf("offers to nobody: %+v", got)
		}
		s.says("bob", false, "bob@example.org")
		refused("the site wants a code", bob.ID, "bob@example.org", prefs.ErrNotFound)
		if got := s.offers(bob.ID); len(got) != 1 || got[0].Sure {
			t.Errorf("offers %+v", got)
		}
		must[prefs.Destination](t)(s.Destinations.Add(ctx, bob.ID, "email", "BOB@example.org"))
		if got := s.offers(bob.ID); len(got) != 0 {
			t.Errorf("what he has is offered: %+v", got)
		}
		for i := range 19 {
			must[prefs.Destination](t)(s.Destinations.Add(ctx, bob.ID, "email", string(rune('a'+i))+"@example.org"))
		}
		s.says("bob", true, "more@example.org")
		refused("too many", bob.ID, "more@example.org", prefs.ErrTooMany)
	})
}

// TestVouchedClaimedName: where everybody chooses a name and is believed, the name still proves nothing here.
func TestVouchedClaimedName(t *testing.T) {
	eachProved(t, func(t *testing.T, s *provedSite) {
		s.claimed = true
		s.says("bob", true, "bob@example.org")
		eve := must[prefs.User](t)(s.Accounts.Register(t.Context(), "bob", "", "email", "eve@example.org"))
		if eve.Proof != accounts.Claimed {
			t.Fatalf("%+v", eve)
		}
		if got := s.offers(eve.ID); got != nil {
			t.Errorf("offers %+v", got)
		}
		_, err := s.Destinations.AddVouched(t.Context(), eve.ID, "email", "bob@example.org")
		want(t, err, prefs.ErrNotFound)
	})
}

// TestVouchedNoMore: what the directory vouched for needs a code when it says something else of the person, not when it
// does not know.
func TestVouchedNoMore(t *testing.T) {
	eachProved(t, func(t *testing.T, s *provedSite) {
		ctx := t.Context()
		s.town.people["bob"] = false
		bob := s.signIn(at("a.example", "1", "bob")).User
		add := func() {
			t.Helper()
			s.says("bob", true, "bob@example.org")
			must[prefs.Destination](t)(s.Destinations.AddVouched(ctx, bob.ID, "email", "bob@example.org"))
		}
		review := func(doubted int, confirmed bool) {
			t.Helper()
			got := must[prefs.Reviewed](t)(s.Accounts.Review(ctx))
			if d := s.own(bob.ID)[0]; got.Doubted != doubted || d.Confirmed != confirmed || d.Vouched != confirmed {
				t.Errorf("%+v, %+v", got, d)
			}
		}
		add()
		review(0, true)
		delete(s.town.reach, "bob")
		review(0, true) // it is not known
		s.says("bob", true)
		s.town.unknown = true
		review(0, true) // a source is away
		s.town.unknown = false
		review(1, false)
		d := s.own(bob.ID)[0]
		if d.Disabled == "" || len(s.closed) != 1 {
			t.Errorf("%+v; closed: %v", d, s.closed)
		}
		last := must[[]accounts.Entry](t)(s.Audit.Of(ctx, bob.ID, 0, 1))[0]
		if last.What != accounts.DestinationDoubt || last.By.Kind != accounts.Upstream {
			t.Errorf("noted: %+v", last)
		}
		review(0, false)
		s.says("bob", true, "bob@example.org")
		if got := s.offers(bob.ID); len(got) != 1 {
			t.Errorf("it is not offered again: %+v", got)
		}
		add()
		review(0, true)
		// the name is not proved any more, and so the word for it is nobody's
		ok(t, s.Accounts.Assign(ctx, bob.ID, ""))
		review(1, false)
		ok(t, s.Accounts.Assign(ctx, bob.ID, "bob"))
		// who has the address has said stop: the directory's word does not undo that
		ok(t, s.Destinations.Disable(ctx, d.ID, "550 no such user"))
		_, err := s.Destinations.AddVouched(ctx, bob.ID, "email", "bob@example.org")
		want(t, err, prefs.ErrNotFound)
		// a code confirms it for good
		code := must[string](t)(s.Destinations.NewCode(ctx, bob.ID, d.ID))
		ok(t, s.Destinations.Confirm(ctx, bob.ID, d.ID, code))
		s.says("bob", true)
		must[prefs.Reviewed](t)(s.Accounts.Review(ctx))
		if d := s.own(bob.ID)[0]; !d.Confirmed || d.Vouched {
			t.Errorf("%+v", d)
		}
	})
}

// TestVouchedProvesNoName: a name that an address has proved does not go on to be proved by one that was taken on the
// word of that very name.
func TestVouchedProvesNoName(t *testing.T) {
	eachProved(t, func(t *testing.T, s *provedSite) {
		ctx := t.Context()
		s.town.mails["bob@example.org"], s.town.mails["b2@example.org"] = "bob", "bob"
		bob := s.register("bob@example.org")
		s.is(bob.ID, "bob", accounts.OfDirectory)
		s.says("bob", true, "bob@example.org", "b2@example.org")
		must[prefs.Destination](t)(s.Destinations.AddVouched(ctx, bob.ID, "email", "b2@example.org"))
		delete(s.town.mails, "bob@example.org")
		s.says("bob", true, "b2@example.org")
		must[prefs.Reviewed](t)(s.Accounts.Review(ctx))
		s.is(bob.ID, "bob", accounts.Claimed)
	})
}

// TestVouchedUndone: an address that comes back by an undo is as it was, and no code has come to it.
func TestVouchedUndone(t *testing.T) {
	eachProved(t, func(t *testing.T, s *provedSite) {
		ctx := t.Context()
		s.town.mails["bob@example.org"] = "bob"
		bob := s.register("bob@example.org")
		s.says("bob", true, "bob@example.org", "b2@example.org")
		d := must[prefs.Destination](t)(s.Destinations.AddVouched(ctx, bob.ID, "email", "b2@example.org"))
		if len(s.letters) != 1 || s.letters[0].Kind != accounts.AddressAdded || s.letters[0].Address != "bob@example.org" {
			t.Fatalf("told: %+v", s.letters)
		}
		ok(t, s.Destinations.Delete(ctx, bob.ID, d.ID))
		must[[]accounts.Undo](t)(s.Undos.Do(ctx, undoSecret(t, s.Store, "bob@example.org")))
		own := s.own(bob.ID)
		if len(own) != 2 || !own[1].Confirmed || !own[1].Vouched || own[1].SignIn {
			t.Fatalf("%+v", own)
		}
	})
}

// TestVouchedBrake: a directory that takes back its word for very many at once is broken.
func TestVouchedBrake(t *testing.T) {
	eachProved(t, func(t *testing.T, s *provedSite) {
		var one uint
		for i := range 12 {
			name := string(rune('a'+i)) + "x"
			one = s.signIn(at("a.example", name, name)).User.ID
			s.says(name, true, name+"@example.org")
			must[prefs.Destination](t)(s.Destinations.AddVouched(t.Context(), one, "email", name+"@example.org"))
		}
		for name := range s.town.reach {
			s.says(name, true)
		}
		got := must[prefs.Reviewed](t)(s.Accounts.Review(t.Context()))
		if got.Refused != 12 || got.Doubted != 0 || !s.own(one)[0].Confirmed {
			t.Errorf("%+v", got)
		}
	})
}
