package prefs_test

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/rulespec"
)

// A town is what a directory says, and a test changes.
type town struct {
	mails   map[string]string
	groups  map[string][]string
	people  map[string]bool // true: switched off
	reach   map[string][]accounts.Reach
	unknown bool
}

func (d *town) AccountOf(mail string) string { return d.mails[accounts.FoldAddress(mail)] }
func (d *town) Groups(name string) []string  { return d.groups[name] }
func (d *town) Whole() bool                  { return !d.unknown }

func (d *town) Reach(name string) []accounts.Reach { return d.reach[name] }

func (d *town) Person(name string) (there, disabled bool) {
	disabled, there = d.people[name]
	return there, disabled
}

// A provedSite is a site where names are proved.
type provedSite struct {
	*prefs.Store
	t      *testing.T
	db     *migrations.DB
	town   *town
	clock  *clock
	policy accounts.Policy
	held   map[string]bool
	told   []accounts.Happened

	claimed bool // everybody chooses a name, and is believed
	closed  []string
	letters []accounts.Letter
}

// eachProved runs f on a site where names are proved, on each dialect.
func eachProved(t *testing.T, f func(t *testing.T, s *provedSite)) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		s := &provedSite{t: t, db: d, clock: newClock(), held: map[string]bool{},
			town: &town{mails: map[string]string{}, groups: map[string][]string{}, people: map[string]bool{},
				reach: map[string][]accounts.Reach{}}}
		s.Store = prefs.Open(prefs.Config{
			Writer: d.Writer, Reader: d.Reader, Now: s.clock.now, Random: rand.Reader,
			People: func() accounts.People { return s.town }, Policy: func() accounts.Policy { return s.policy },
			ClaimedNames: func() bool { return s.claimed },
			OnClose: func(_ *gorm.DB, to []string, _ string) error {
				s.closed = append(s.closed, to...)
				return nil
			},
			Told: func(tx *gorm.DB, h accounts.Happened) error {
				s.told = append(s.told, h)
				letters, err := s.Mailed.Tell(tx, h, "email")
				s.letters = append(s.letters, letters...)
				return err
			},
			OnHold: func(_ *gorm.DB, to []string, held bool) error {
				for _, key := range to {
					s.held[key] = held
				}
				return nil
			},
		})
		f(t, s)
	})
}

func (s *provedSite) register(address string) prefs.User {
	s.t.Helper()
	return must[prefs.User](s.t)(s.Accounts.Register(s.t.Context(), "", "", "email", address))
}

func (s *provedSite) user(id uint) prefs.User {
	s.t.Helper()
	return must[prefs.User](s.t)(s.Accounts.User(s.t.Context(), id))
}

func (s *provedSite) is(id uint, name string, proof accounts.Proof) {
	s.t.Helper()
	if u := s.user(id); u.Name != name || u.Proof != proof {
		s.t.Errorf("account %d is %q (%s), want %q (%s)", id, u.Name, u.Proof, name, proof)
	}
}

func at(issuer, subject, name string) accounts.Identity {
	return accounts.Identity{Way: issuer, Title: issuer, Issuer: "https://" + issuer, Subject: subject, Name: name}
}

func (s *provedSite) signIn(id accounts.Identity) prefs.Entrance {
	s.t.Helper()
	return must[prefs.Entrance](s.t)(s.Accounts.SignInAs(s.t.Context(), id))
}

// streamed returns the filters that the router would have.
func streamed(t *testing.T, s *prefs.Store) (all []rulespec.Filter) {
	t.Helper()
	for f, err := range s.Subscriptions.Stream(t.Context()) {
		ok(t, err)
		all = append(all, f)
	}
	return all
}

// TestMeOfAnUnprovedName: a filter that says @me is for nobody until the name is proved, also under not.
func TestMeOfAnUnprovedName(t *testing.T) {
	eachProved(t, func(t *testing.T, s *provedSite) {
		ctx := t.Context()
		u := s.register("bob@example.org")
		s.is(u.ID, "", accounts.NoName)
		notMine := must[prefs.Filter](t)(s.Filters.Save(ctx, u.ID, prefs.Filter{On: true, Filter: rulespec.Filter{
			Name: "Not mine", Rules: []rulespec.Rule{{Kind: "everything"},
				{Kind: "actor", Args: rulespec.Args{"name": {rulespec.Me}}, Not: true}}}}))
		if !notMine.Nameless || notMine.Broken == "" {
			t.Errorf("the saved filter does not say that it matches nothing: %+v", notMine)
		}
		plain := must[prefs.Filter](t)(s.Filters.Save(ctx, u.ID, packageFilter("bash", "bash")))
		for _, f := range must[[]prefs.Filter](t)(s.Filters.List(ctx, u.ID)) {
			if f.Nameless == (f.ID == plain.ID) {
				t.Errorf("filter %q: nameless %t", f.Name, f.Nameless)
			}
		}
		before := streamed(t, s.Store)
		if len(before) != 1 || before[0].ID != plain.ID || !strings.HasPrefix(before[0].Owner, "#") {
			t.Fatalf("the router has %+v, want the filter without @me alone", before)
		}
		revision := must[int64](t)(s.Subscriptions.Revision(ctx, nil))
		ok(t, s.Accounts.Assign(ctx, u.ID, "bob"))
		if after := streamed(t, s.Store); len(after) != 4 || after[0].Owner != "bob" {
			t.Errorf("with a proved name the router has %+v", after)
		}
		now := must[int64](t)(s.Subscriptions.Revision(ctx, nil))
		if ids, whole, err := s.Subscriptions.Changes(nil, revision, now); err != nil || !whole || len(ids) != 4 {
			t.Errorf("the router reads %v again (%t, %v), want all four", ids, whole, err)
		}
	})
}

// TestIdentities: issuer and subject are one person, and nothing else is (traps 24 and 25).
func TestIdentities(t *testing.T) {
	eachProved(t, func(t *testing.T, s *provedSite) {
		one := s.signIn(at("a.example", "7", "alice"))
		two := s.signIn(at("b.example", "7", "dave"))
		if one.User.ID == two.User.ID || !one.New || !two.New {
			t.Fatal("one subject at two providers is two people")
		}
		again := s.signIn(at("a.example", "7", "alice"))
		if again.User.ID != one.User.ID || again.New || again.Identity != one.Identity {
			t.Errorf("the same identity leads elsewhere: %+v", again)
		}
		s.is(one.User.ID, "alice", accounts.OfProvider)

		mail := at("b.example", "8", "erin")
		mail.Mail, mail.MailBackend = "carol@example.org", "email"
		carol := s.register("carol@example.org")
		if erin := s.signIn(mail); erin.User.ID == carol.ID {
			t.Error("an address that a provider says leads to the account that has it")
		} else if to := must[[]prefs.Destination](t)(s.Destinations.List(t.Context(), erin.User.ID)); len(to) != 0 {
			t.Errorf("an address of somebody else's became a destination: %+v", to)
		}
		_, err := s.Accounts.SignInAs(t.Context(), at("b.example", "9", "alice"))
		var refused *accounts.Refusal
		if !errors.As(err, &refused) {
			t.Errorf("a name that is proved for another account: %v", err)
		}
		for _, odd := range []accounts.Identity{at("b.example", "", "x"), at("b.example", "a\x00b", "x"),
			at("b.example", strings.Repeat("x", 300), "x"), {Subject: "1"}} {
			if _, err := s.Accounts.SignInAs(t.Context(), odd); err == nil {
				t.Errorf("%+v signs in", odd)
			}
		}
	})
}

// TestDisabledStaysOut: what an operator has disabled, no provider opens (trap 26); what upstream has, it does.
func TestDisabledStaysOut(t *testing.T) {
	eachProved(t, func(t *testing.T, s *provedSite) {
		ctx := t.Context()
		id := at("a.example", "7", "alice")
		alice := s.signIn(id).User
		mail := must[prefs.Destination](t)(s.Destinations.Add(ctx, alice.ID, "email", "alice@example.org"))
		key := must[string](t)(s.Logins.Begin(ctx, accounts.Login{User: alice.ID, Way: "a"}))
		ok(t, s.Accounts.Disable(ctx, alice.ID, "spams", accounts.ByOperator))
		var disabled *accounts.DisabledError
		if _, err := s.Accounts.SignInAs(ctx, id); !errors.As(err, &disabled) || disabled.Reason != "spams" {
			t.Errorf("a disabled person signs in: %v", err)
		}
		if _, err := s.Logins.Find(ctx, key, "", ""); err == nil {
			t.Error("a login of before goes on")
		}
		if !s.held[prefs.Key(mail.ID)] {
			t.Error("what is owed is not held")
		}
		if got := streamed(t, s.Store); len(got) != 0 {
			t.Errorf("filters of a disabled account are matched: %+v", got)
		}
		off := id
		off.Disabled = accounts.NotSaidBy(id.Title, "active", "true")
		if _, err := s.Accounts.SignInAs(ctx, off); !errors.As(err, &disabled) || disabled.Reason != "spams" {
			t.Errorf("upstream's reason took the place of the operator's: %v", err)
		}
		ok(t, s.Accounts.Enable(ctx, alice.ID, accounts.ByUpstream))
		if s.user(alice.ID).Disabled == "" {
			t.Error("upstream has enabled what an operator has disabled")
		}
		ok(t, s.Accounts.Enable(ctx, alice.ID, accounts.ByOperator))
		if s.held[prefs.Key(mail.ID)] {
			t.Error("what is owed is held after all")
		}
		if _, err := s.Accounts.SignInAs(ctx, off); !errors.As(err, &disabled) || disabled.Reason != off.Disabled {
			t.Errorf("a person whom the provider calls disabled: %v", err)
		}
		if u := s.user(alice.ID); u.DisabledBy != accounts.ByUpstream {
			t.Errorf("disabled by %q", u.DisabledBy)
		}
		if back := s.signIn(id); back.User.Disabled != "" || len(streamed(t, s.Store)) == 0 {
			t.Errorf("the provider says again that all is well: %+v", back.User)
		}
		if _, err := s.Accounts.SignInAs(ctx, accounts.Identity{Issuer: "https://a.example", Subject: "new",
			Disabled: "left"}); err == nil {
			t.Error("a stranger who is disabled makes an account")
		}
	})
}

// TestOnlyWhoDisabledEnables: somebody whom one provider has switched off comes back by no other way in that the
// account has.
func TestOnlyWhoDisabledEnables(t *testing.T) {
	eachProved(t, func(t *testing.T, s *provedSite) {
		ctx := t.Context()
		a, b := at("a.example", "7", "alice"), at("b.example", "9", "")
		a.Title, b.Title = "Our Dex of old", "Our Dex"
		alice := s.signIn(a).User
		must[uint](t)(s.Accounts.Link(ctx, alice.ID, b))
		off := a
		off.Disabled = accounts.SaidBy(a.Title, "locked", "true")
		var disabled *accounts.DisabledError
		if _, err := s.Accounts.SignInAs(ctx, off); !errors.As(err, &disabled) {
			t.Fatalf("a person whom the provider calls disabled: %v", err)
		}
		if _, err := s.Accounts.SignInAs(ctx, b); !errors.As(err, &disabled) || disabled.Reason != off.Disabled {
			t.Errorf("another provider lets in whom the first has disabled: %v", err)
		}
		if s.user(alice.ID).Disabled == "" {
			t.Error("another provider has enabled the account")
		}
		if back := s.signIn(a); back.User.Disabled != "" {
			t.Errorf("the provider that has disabled it says that all is well: %+v", back.User)
		}
	})
}

// TestRenamedAtTheProvider: same account, and the old name is nobody else's (trap 27).
func TestRenamedAtTheProvider(t *testing.T) {
	eachProved(t, func(t *testing.T, s *provedSite) {
		ctx := t.Context()
		alice := s.signIn(at("a.example", "7", "alice")).User
		s.signIn(at("a.example", "7", "alicia"))
		s.is(alice.ID, "alicia", accounts.OfProvider)
		if _, err := s.Accounts.SignInAs(ctx, at("a.example", "8", "Alice")); err == nil {
			t.Error("somebody else got the name of before")
		}
		s.signIn(at("a.example", "7", "alice"))
		s.is(alice.ID, "alice", accounts.OfProvider)

		ok(t, s.Accounts.Delete(ctx, alice.ID))
		for _, name := range []string{"alice", "alicia"} {
			if _, err := s.Accounts.SignInAs(ctx, at("a.example", "9", name)); err == nil {
				t.Errorf("%s went to another person after the account was deleted", name)
			}
		}
		other := s.signIn(at("a.example", "10", "other")).User
		want(t, s.Accounts.Assign(ctx, other.ID, "alicia"), prefs.ErrTaken)
		want(t, s.Accounts.Free(ctx, "other"), prefs.ErrNotFound)
		ok(t, s.Accounts.Free(ctx, "alicia"))
		ok(t, s.Accounts.Assign(ctx, other.ID, "alicia"))
		s.is(other.ID, "alicia", accounts.OfOperator)

		back := s.signIn(at("a.example", "7", "alice"))
		if !back.New {
			t.Error("the deleted account is still there")
		}
		s.is(back.User.ID, "alice", accounts.OfProvider)
		s.signIn(at("a.example", "10", "tenth"))
		s.is(other.ID, "alicia", accounts.OfOperator) // what an operator has given stays
	})
}

// TestWhoClaimsGivesWay: whoever has only claimed a name loses it to whom it is proved for, and keeps the filters.
func TestWhoClaimsGivesWay(t *testing.T) {
	eachProved(t, func(t *testing.T, s *provedSite) {
		ctx := t.Context()
		squatter := s.register("eve@example.net")
		ok(t, s.Write(ctx, func(tx *gorm.DB) error { // as before names were proved
			return tx.Exec("UPDATE users SET name = 'bob', proof = 'claimed' WHERE id = ?", squatter.ID).Error
		}))
		ok(t, s.Accounts.Adopt(ctx))
		if list := must[[]prefs.User](t)(s.Accounts.Claimed(ctx)); len(list) != 1 || list[0].Name != "bob" {
			t.Errorf("claimed names: %+v", list)
		}
		s.town.mails["bob@example.org"] = "bob"
		bob := s.register("BOB@example.org")
		s.is(bob.ID, "bob", accounts.OfDirectory)
		s.is(squatter.ID, "", accounts.NoName)
		if len(must[[]prefs.Filter](t)(s.Filters.List(ctx, squatter.ID))) != 2 {
			t.Error("the filters are gone")
		}
		if len(s.told) != 1 || s.told[0].Kind != accounts.NameLost || s.told[0].User != squatter.ID {
			t.Errorf("told: %+v", s.told)
		}
		told := must[[]accounts.Entry](t)(s.Audit.Of(ctx, squatter.ID, 0, 1))
		if len(told) != 1 || told[0].What != accounts.AccountRelease || told[0].Before["name"] != "bob" {
			t.Errorf("the account is not told: %+v", told)
		}
		claimed, nameless, err := s.Accounts.Unproved(ctx)
		if err != nil || claimed != 0 || nameless != 1 {
			t.Errorf("%d claimed, %d nameless, %v", claimed, nameless, err)
		}
	})
}

// TestOneMailbox: capitals make no other mailbox, so no other account.
func TestOneMailbox(t *testing.T) {
	eachProved(t, func(t *testing.T, s *provedSite) {
		ctx := t.Context()
		bob := s.register("bob@example.org")
		if _, err := s.Accounts.Register(ctx, "", "", "email", "BOB@example.org"); !errors.Is(err, prefs.ErrClaimed) {
			t.Errorf("a second account for one mailbox: %v", err)
		}
		found, _, err := s.Accounts.ByWayIn(ctx, "email", "Bob@Example.org")
		if err != nil || found.ID != bob.ID {
			t.Errorf("Bob@Example.org leads to %+v, %v", found, err)
		}
		if u, err := s.Accounts.ByAddress(ctx, "email", "BOB@EXAMPLE.ORG"); err != nil || u.ID != bob.ID {
			t.Errorf("BOB@EXAMPLE.ORG is of %+v, %v", u, err)
		}
		carol := s.register("carol@example.org")
		to := must[prefs.Destination](t)(s.Destinations.Add(ctx, carol.ID, "email", "boB@example.org"))
		code := must[string](t)(s.Destinations.NewCode(ctx, carol.ID, to.ID))
		want(t, s.Destinations.Confirm(ctx, carol.ID, to.ID, code), prefs.ErrClaimed)
	})
}

// TestLinking: a second identity leads to the same account, one of somebody else's does not; the last way in stays.
func TestLinking(t *testing.T) {
	eachProved(t, func(t *testing.T, s *provedSite) {
		ctx := t.Context()
		bob := s.register("bob@example.org")
		own := must[uint](t)(s.Accounts.Link(ctx, bob.ID, at("a.example", "7", "bob")))
		s.is(bob.ID, "bob", accounts.OfProvider)
		if in := s.signIn(at("a.example", "7", "bob")); in.User.ID != bob.ID || in.Identity != own {
			t.Errorf("the linked identity leads to %+v", in)
		}
		other := s.signIn(at("b.example", "7", "other")).User
		_, err := s.Accounts.Link(ctx, bob.ID, at("b.example", "7", "other"))
		want(t, err, accounts.ErrBound)
		list := must[[]accounts.Known](t)(s.Accounts.Identities(ctx, other.ID))
		want(t, s.Accounts.Unlink(ctx, other.ID, list[0].ID), prefs.ErrLastWay)
		want(t, s.Accounts.Unlink(ctx, other.ID, own), prefs.ErrNotFound)
		noLinks := prefs.Open(prefs.Config{Writer: s.db.Writer, Reader: s.db.Reader, Now: s.clock.now,
			Random: rand.Reader, NoMailedLinks: true})
		want(t, noLinks.Accounts.Unlink(ctx, bob.ID, own), prefs.ErrLastWay) // the address is no way in there
		ok(t, s.Accounts.Unlink(ctx, bob.ID, own))
		s.is(bob.ID, "bob", accounts.Claimed)
		if bob := s.user(bob.ID); bob.Me(false) != "" || bob.Me(true) != "bob" {
			t.Error("a name that nothing proves any more still means somebody")
		}
	})
}

// TestOldInvitationsGo: whose address it was is kept no longer than the invitation is good.
func TestOldInvitationsGo(t *testing.T) {
	eachProved(t, func(t *testing.T, s *provedSite) {
		must[accounts.Invitation](t)(s.Invitations.Invite(t.Context(), "old@example.org", time.Hour))
		must[accounts.Invitation](t)(s.Invitations.Invite(t.Context(), "new@example.org", 3*time.Hour))
		s.clock.pass(2 * time.Hour)
		ok(t, s.Prune(t.Context()))
		var left []string
		ok(t, s.db.Reader.Raw("SELECT subject FROM invitations").Scan(&left).Error)
		if len(left) != 1 || left[0] != "new@example.org" {
			t.Errorf("left are %q", left)
		}
	})
}

// TestRebind: a community changes its provider; accounts, names and filters stay (trap 32).
func TestRebind(t *testing.T) {
	eachProved(t, func(t *testing.T, s *provedSite) {
		ctx := t.Context()
		alice := s.signIn(at("old.example", "a", "alice")).User
		gone := s.signIn(at("old.example", "g", "gone")).User
		ok(t, s.Accounts.Delete(ctx, gone.ID))
		taken := s.signIn(at("old.example", "t", "taken")).User
		s.signIn(at("new.example", "4", "fourth"))
		done, err := s.Accounts.Rebind(ctx, "https://old.example", "https://new.example",
			map[string]string{"a": "1", "g": "2", "nobody": "3", "t": "4"})
		ok(t, err)
		if done.Moved != 1 || len(done.Unknown) != 2 || len(done.Bound) != 1 || done.Bound[0] != "4" {
			t.Errorf("%+v", done)
		}
		if in := s.signIn(at("new.example", "1", "alice")); in.User.ID != alice.ID || in.New {
			t.Errorf("alice is %+v at the new provider", in)
		}
		s.signIn(at("old.example", "t", "taken"))
		s.is(taken.ID, "taken", accounts.OfProvider)
		back := s.signIn(at("new.example", "2", "gone")) // the same person, who comes back
		s.is(back.User.ID, "gone", accounts.OfProvider)
	})
}

func TestSignUpPolicies(t *testing.T) {
	eachProved(t, func(t *testing.T, s *provedSite) {
		ctx := t.Context()
		refused := func(err error) bool {
			var r *accounts.Refusal
			return errors.As(err, &r)
		}
		try := func(address string) error {
			_, err := s.Accounts.Register(ctx, "", "", "email", address)
			return err
		}
		s.town.mails["mia@members.example"], s.town.groups["mia"] = "mia", []string{"packager"}
		s.policy = accounts.Policy{SignUp: accounts.SignUpDomains, Domains: []string{"example.org", "*.sub.example"}}
		if err := try("a@evil-example.org"); !refused(err) {
			t.Errorf("another domain: %v", err)
		}
		if err := try("a@sub.example"); !refused(err) {
			t.Errorf("a domain above the one that is named: %v", err)
		}
		ok(t, try("a@EXAMPLE.org"))
		ok(t, try("a@x.sub.example"))
		s.policy = accounts.Policy{SignUp: accounts.SignUpGroups, Groups: []string{"packager"}}
		if err := try("b@example.org"); !refused(err) {
			t.Errorf("a member of nothing: %v", err)
		}
		ok(t, try("mia@members.example"))
		in := at("a.example", "1", "ida")
		if _, err := s.Accounts.SignInAs(ctx, in); !refused(err) {
			t.Errorf("a member of nothing signs in: %v", err)
		}
		in.Groups, in.GroupsKnown = []string{"packager"}, true
		s.signIn(in)
		s.policy = accounts.Policy{SignUp: accounts.SignUpInvited}
		if err := try("c@example.org"); !refused(err) {
			t.Errorf("nobody has invited: %v", err)
		}
		by := accounts.WithActor(ctx, accounts.Actor{Kind: accounts.Person, Name: "carol"})
		for _, subject := range []string{"C@example.org", "late@example.org", "zoe"} {
			must[accounts.Invitation](t)(s.Invitations.Invite(by, subject, time.Hour))
		}
		ok(t, try("c@example.org"))
		if err := try("C@example.org"); err == nil {
			t.Error("an invitation was taken up twice")
		}
		must[accounts.Invitation](t)(s.Invitations.Invite(by, "yan@example.org", time.Hour))
		if _, err := s.Accounts.SignInAs(ctx, at("a.example", "3", "Yan@example.org")); !refused(err) {
			t.Errorf("a name that reads like the address that is invited: %v", err)
		}
		ok(t, try("yan@example.org"))
		s.signIn(at("a.example", "2", "Zoe"))
		s.clock.pass(2 * time.Hour)
		if err := try("late@example.org"); !refused(err) {
			t.Errorf("the invitation is too old: %v", err)
		}
		s.policy = accounts.Policy{SignUp: accounts.SignUpClosed}
		if err := try("d@example.org"); !refused(err) {
			t.Errorf("sign-up is closed: %v", err)
		}
		s.signIn(at("a.example", "2", "Zoe")) // who has an account comes in all the same
	})
}

func TestReview(t *testing.T) {
	eachProved(t, func(t *testing.T, s *provedSite) {
		ctx := t.Context()
		review := func() prefs.Reviewed {
			t.Helper()
			return must[prefs.Reviewed](t)(s.Accounts.Review(ctx))
		}
		bob := s.register("bob@example.org")
		ida := s.signIn(at("a.example", "1", "ida")).User // the directory never had her
		s.town.mails["bob@example.org"], s.town.people["bob"] = "bob", false
		if got := review(); got != (prefs.Reviewed{Proved: 1}) {
			t.Errorf("%+v", got)
		}
		s.is(bob.ID, "bob", accounts.OfDirectory)
		review() // it has seen bob there
		s.town.unknown = true
		clear(s.town.mails)
		if got := review(); got != (prefs.Reviewed{}) {
			t.Errorf("unknown is not empty: %+v", got)
		}
		s.town.unknown = false
		if got := review(); got.Unproved != 1 {
			t.Errorf("%+v", got)
		}
		s.is(bob.ID, "bob", accounts.Claimed)
		s.town.mails["bob@example.org"] = "bob"
		review()
		s.is(bob.ID, "bob", accounts.OfDirectory)

		s.town.people["bob"] = true
		if got := review(); got.Disabled != 1 || s.user(bob.ID).DisabledBy != accounts.ByUpstream {
			t.Errorf("switched off upstream: %+v, %+v", got, s.user(bob.ID))
		}
		s.town.people["bob"] = false
		if got := review(); got.Enabled != 1 || s.user(bob.ID).Disabled != "" {
			t.Errorf("on again upstream: %+v", got)
		}
		delete(s.town.people, "bob")
		review()
		s.clock.pass(accounts.MissingGrace - time.Minute)
		review()
		if s.user(bob.ID).Disabled != "" {
			t.Error("disabled before the grace is over")
		}
		s.clock.pass(2 * time.Minute)
		review()
		if s.user(bob.ID).Disabled == "" || s.user(ida.ID).Disabled != "" {
			t.Errorf("bob %q, ida %q: who was never there is not missing", s.user(bob.ID).Disabled, s.user(ida.ID).Disabled)
		}
		s.town.people["bob"] = false
		review()
		if s.user(bob.ID).Disabled != "" || len(must[[]prefs.Filter](t)(s.Filters.List(ctx, bob.ID))) != 2 {
			t.Error("who returns has everything as it was")
		}
	})
}

// TestReviewOfABrokenDirectory: one that takes the names of many people at once is a fault.
func TestReviewOfABrokenDirectory(t *testing.T) {
	eachProved(t, func(t *testing.T, s *provedSite) {
		var some uint
		for i := range 12 {
			mail := string(rune('a'+i)) + "x@example.org"
			s.town.mails[mail] = string(rune('a'+i)) + "x"
			some = s.register(mail).ID
		}
		s.town.mails = map[string]string{"other@example.org": "other"}
		got, err := s.Accounts.Review(context.Background())
		if err != nil || got.Refused != 12 || got.Unproved != 0 || s.user(some).Proof != accounts.OfDirectory {
			t.Errorf("%+v, %v", got, err)
		}
	})
}
