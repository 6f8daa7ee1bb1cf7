package prefs_test

import (
	"crypto/rand"
	"errors"
	"reflect"
	"slices"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	"gorm.io/gorm"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/prefs/schedule"
)

// mailedSecret makes the secret of a request, as the outbox does when it mails it.
func mailedSecret(t *testing.T, s *prefs.Store, ref, to string) string {
	t.Helper()
	p := backends.Parcel{To: to, Notices: []backends.Notice{{Secret: ref, Link: backends.SecretMark}}}
	ok(t, s.Mailed.Fill(t.Context(), &p))
	return p.Notices[0].Link
}

// undoSecret gives the secret of the newest undo link to an address; "" where there is none.
func undoSecret(t *testing.T, s *prefs.Store, to string) string {
	t.Helper()
	var ids []uint64
	ok(t, s.Write(t.Context(), func(tx *gorm.DB) error {
		return tx.Raw("SELECT id FROM mailed WHERE purpose = 'undo' AND address = ? ORDER BY id DESC LIMIT 1", to).
			Scan(&ids).Error
	}))
	if len(ids) == 0 {
		return ""
	}
	return mailedSecret(t, s, strconv.FormatUint(ids[0], 10), to)
}

// An intrusion is an account with two addresses, of which the first lets its owner in, with a session of an intruder.
type intrusion struct {
	t      *testing.T
	s      *prefs.Store
	alice  prefs.User
	first  prefs.Destination
	second prefs.Destination
	key    string // of the intruder
}

func eachIntrusion(t *testing.T, f func(t *testing.T, w *intrusion, c *clock)) {
	each(t, func(t *testing.T, s *prefs.Store, _ *migrations.DB, c *clock) {
		alice, mail := person(t, s, "alice")
		w := &intrusion{t: t, s: s, alice: alice, first: mail}
		w.second = w.confirm("second@example.org")
		w.key = w.begin(mail)
		f(t, w, c)
	})
}

func (w *intrusion) confirm(address string) prefs.Destination {
	w.t.Helper()
	ctx := w.t.Context()
	d := must[prefs.Destination](w.t)(w.s.Destinations.Add(ctx, w.alice.ID, "email", address))
	code := must[string](w.t)(w.s.Destinations.NewCode(ctx, w.alice.ID, d.ID))
	ok(w.t, w.s.Destinations.Confirm(ctx, w.alice.ID, d.ID, code))
	return must[prefs.Destination](w.t)(w.s.Destinations.Get(ctx, w.alice.ID, d.ID))
}

func (w *intrusion) letIn(d prefs.Destination) {
	w.t.Helper()
	ref := must[accounts.Ticket](w.t)(w.s.Destinations.AskLetIn(w.t.Context(), w.alice.ID, d.ID)).Ref
	ok(w.t, w.s.Destinations.LetIn(w.t.Context(), w.alice.ID, d.ID, mailedSecret(w.t, w.s, ref, d.Address)))
}

func (w *intrusion) begin(d prefs.Destination) string {
	w.t.Helper()
	return must[string](w.t)(w.s.Logins.Begin(w.t.Context(), accounts.Login{User: w.alice.ID, Way: accounts.ByMail,
		Destination: d.ID}))
}

func (w *intrusion) isIn(key string) bool {
	_, err := w.s.Logins.Find(w.t.Context(), key, "", "")
	return err == nil
}

// addresses are those of alice, with + where they let her in.
func (w *intrusion) addresses() (list []string) {
	w.t.Helper()
	for _, d := range must[[]prefs.Destination](w.t)(w.s.Destinations.List(w.t.Context(), w.alice.ID)) {
		name := d.Address
		if d.LetsIn() {
			name += "+"
		}
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

func (w *intrusion) do(secret string) {
	w.t.Helper()
	if left := must[[]accounts.Undo](w.t)(w.s.Undos.Do(w.t.Context(), secret)); len(left) > 0 {
		w.t.Errorf("not undone: %+v", left)
	}
	if w.isIn(w.key) {
		w.t.Error("the intruder is still signed in")
	}
}

func TestUndo(t *testing.T) {
	before := []string{"alice@example.org+", "second@example.org"}
	for name, c := range map[string]struct {
		attack func(w *intrusion) (secret string)
		after  []string // nil: as before
	}{
		"an address is added": {attack: func(w *intrusion) string {
			w.confirm("mallory@example.net")
			return undoSecret(w.t, w.s, w.first.Address)
		}},
		"the other address is told too": {attack: func(w *intrusion) string {
			w.confirm("mallory@example.net")
			return undoSecret(w.t, w.s, w.second.Address)
		}},
		"an address is let in": {attack: func(w *intrusion) string {
			w.letIn(w.second)
			return undoSecret(w.t, w.s, w.first.Address)
		}},
		"an address is removed, and told itself": {attack: func(w *intrusion) string {
			ok(w.t, w.s.Destinations.Delete(w.t.Context(), w.alice.ID, w.second.ID))
			return undoSecret(w.t, w.s, w.second.Address)
		}},
		"the way in is switched off": {attack: func(w *intrusion) string {
			ok(w.t, w.s.Destinations.SetOn(w.t.Context(), w.alice.ID, w.first.ID, false))
			return undoSecret(w.t, w.s, w.first.Address)
		}},
		"the way in is removed": {attack: func(w *intrusion) string {
			ok(w.t, w.s.Destinations.Delete(w.t.Context(), w.alice.ID, w.first.ID))
			return undoSecret(w.t, w.s, w.first.Address)
		}},
		"a reader of a list gives no right to sign in back": {attack: func(w *intrusion) string {
			ok(w.t, w.s.Destinations.Delete(w.t.Context(), w.alice.ID, w.first.ID))
			return undoSecret(w.t, w.s, w.second.Address)
		}, after: []string{"alice@example.org", "second@example.org"}},
		"a token is made": {attack: func(w *intrusion) string {
			must[string](w.t)(w.s.Tokens.New(w.t.Context(), w.alice.ID, "laptop"))
			return undoSecret(w.t, w.s, w.first.Address)
		}},
		"the whole account is taken over": {attack: func(w *intrusion) string {
			mine := w.confirm("mallory@example.net")
			secret := undoSecret(w.t, w.s, w.first.Address)
			w.letIn(mine)
			must[string](w.t)(w.s.Tokens.New(w.t.Context(), w.alice.ID, "laptop"))
			ok(w.t, w.s.Destinations.Delete(w.t.Context(), w.alice.ID, w.second.ID))
			ok(w.t, w.s.Destinations.Delete(w.t.Context(), w.alice.ID, w.first.ID))
			w.key = w.begin(must[prefs.Destination](w.t)(w.s.Destinations.Get(w.t.Context(), w.alice.ID, mine.ID)))
			return secret
		}},
	} {
		t.Run(name, func(t *testing.T) {
			eachIntrusion(t, func(t *testing.T, w *intrusion, clock *clock) {
				clock.pass(time.Minute)
				secret := c.attack(w)
				clock.pass(accounts.UndoLife - time.Minute)
				w.key = must[string](t)(w.s.Logins.Begin(t.Context(), accounts.Login{User: w.alice.ID, Way: "x"}))
				w.do(secret)
				after := c.after
				if after == nil {
					after = before
				}
				if got := w.addresses(); !slices.Equal(got, after) {
					t.Errorf("%q, want %q", got, after)
				}
				if left := must[[]prefs.APIToken](t)(w.s.Tokens.List(t.Context(), w.alice.ID)); len(left) > 0 {
					t.Errorf("tokens are left: %+v", left)
				}
				_, err := w.s.Undos.Do(t.Context(), secret)
				want(t, err, prefs.ErrCode) // once
			})
		})
	}
}

// TestUndoLinkIsBounded: it shows and changes nothing by itself, ends after a week, and works for nobody else.
func TestUndoLinkIsBounded(t *testing.T) {
	eachIntrusion(t, func(t *testing.T, w *intrusion, c *clock) {
		ctx := t.Context()
		w.confirm("mallory@example.net")
		secret := undoSecret(t, w.s, w.first.Address)
		user, list, err := w.s.Undos.Show(ctx, secret)
		if err != nil || user.ID != w.alice.ID || len(list) != 1 || list[0].About != "mallory@example.net" {
			t.Errorf("Show = %+v, %+v, %v", user, list, err)
		}
		if got := w.addresses(); len(got) != 3 || !w.isIn(w.key) {
			t.Errorf("Show changed something: %q", got)
		}
		if undoSecret(t, w.s, "mallory@example.net") != "" {
			t.Error("the new address is told, with a link")
		}
		for _, wrong := range []string{"", "x", secret[1:], secret + "A"} {
			_, err := w.s.Undos.Do(ctx, wrong)
			want(t, err, prefs.ErrCode)
		}
		other := undoSecret(t, w.s, w.second.Address)
		c.pass(accounts.UndoLife)
		_, err = w.s.Undos.Do(ctx, secret)
		want(t, err, prefs.ErrCode)
		_, _, err = w.s.Undos.Show(ctx, other)
		want(t, err, prefs.ErrCode)
	})
}

// TestUndoOfOneEndsTheOthers: a change is undone once, whoever reads of it.
func TestUndoOfOneEndsTheOthers(t *testing.T) {
	eachIntrusion(t, func(t *testing.T, w *intrusion, _ *clock) {
		w.confirm("mallory@example.net")
		other := undoSecret(t, w.s, w.second.Address)
		w.do(undoSecret(t, w.s, w.first.Address))
		_, err := w.s.Undos.Do(t.Context(), other)
		want(t, err, prefs.ErrCode)
	})
}

// TestIntruderCannotUndoForever: the intruder's removed address undoes its removal, and then loses.
func TestIntruderCannotUndoForever(t *testing.T) {
	eachIntrusion(t, func(t *testing.T, w *intrusion, _ *clock) {
		mine := w.confirm("mallory@example.net")
		w.letIn(mine)
		ok(t, w.s.Destinations.Delete(t.Context(), w.alice.ID, mine.ID)) // alice
		w.do(undoSecret(t, w.s, "mallory@example.net"))                  // mallory, in reply
		if got := w.addresses(); !slices.Contains(got, "mallory@example.net+") {
			t.Fatalf("%q", got)
		}
		w.do(undoSecret(t, w.s, w.first.Address)) // alice was told that it is back
		if got := w.addresses(); len(got) != 2 {
			t.Errorf("%q", got)
		}
		if s := undoSecret(t, w.s, "mallory@example.net"); s != "" {
			if _, err := w.s.Undos.Do(t.Context(), s); !errors.Is(err, prefs.ErrCode) {
				t.Errorf("mallory is back: %v", err)
			}
		}
	})
}

// TestUndoneIdentityTakesItsName: an account is who it was before, when an identity is put out or comes back.
func TestUndoneIdentityTakesItsName(t *testing.T) {
	eachIntrusion(t, func(t *testing.T, w *intrusion, c *clock) {
		ctx := t.Context()
		is := func(name string, proof accounts.Proof) {
			t.Helper()
			if u := must[prefs.User](t)(w.s.Accounts.User(ctx, w.alice.ID)); u.Name != name || u.Proof != proof {
				t.Errorf("the account is %q, %s; want %q, %s", u.Name, u.Proof, name, proof)
			}
		}
		must[uint](t)(w.s.Accounts.Link(ctx, w.alice.ID, at("id.example", "666", "mallory")))
		is("mallory", accounts.OfProvider)
		w.do(undoSecret(t, w.s, w.first.Address))
		is("alice", accounts.Claimed)

		own := must[uint](t)(w.s.Accounts.Link(ctx, w.alice.ID, at("id.example", "1", "alice")))
		is("alice", accounts.OfProvider)
		c.pass(time.Minute)
		ok(t, w.s.Accounts.Unlink(ctx, w.alice.ID, own))
		is("alice", accounts.Claimed)
		w.do(undoSecret(t, w.s, w.first.Address))
		is("alice", accounts.OfProvider)
	})
}

// TestRestoredAddressIsAsBefore: it has its schedule and the account that it is bound to. Another person who has
// confirmed the mailbox meanwhile, in other capitals, keeps it.
func TestRestoredAddressIsAsBefore(t *testing.T) {
	eachIntrusion(t, func(t *testing.T, w *intrusion, _ *clock) {
		ctx := t.Context()
		nick := toldBy(t, w.s, w.alice, "alice@local", "alice_acc")
		daily := schedule.Schedule{At: "08:00", Weekdays: []time.Weekday{time.Monday}}
		ok(t, w.s.Destinations.SetSchedule(ctx, w.alice.ID, nick.ID, daily))
		ok(t, w.s.Destinations.Delete(ctx, w.alice.ID, nick.ID))
		w.do(undoSecret(t, w.s, w.first.Address))
		for _, d := range must[[]prefs.Destination](t)(w.s.Destinations.List(ctx, w.alice.ID)) {
			if d.Backend == "irc" && (d.Account != "alice_acc" || !reflect.DeepEqual(d.Schedule, daily) || !d.On) {
				t.Errorf("restored as %+v", d)
			}
		}

		ok(t, w.s.Destinations.Delete(ctx, w.alice.ID, w.second.ID))
		must[prefs.User](t)(w.s.Accounts.Register(ctx, "bob", "", "email", "SECOND@example.org"))
		left := must[[]accounts.Undo](t)(w.s.Undos.Do(ctx, undoSecret(t, w.s, w.first.Address)))
		if len(left) != 1 || !slices.Equal(w.addresses(), []string{"alice@example.org+", "alice@local"}) {
			t.Errorf("not undone %+v, and there are %q", left, w.addresses())
		}
	})
}

// TestRestoredAddressHasItsFilters: what was for it is for it again.
func TestRestoredAddressHasItsFilters(t *testing.T) {
	eachIntrusion(t, func(t *testing.T, w *intrusion, _ *clock) {
		ctx := t.Context()
		f := must[[]prefs.Filter](t)(w.s.Filters.List(ctx, w.alice.ID))[0]
		f.Destinations = []uint{w.second.ID}
		must[prefs.Filter](t)(w.s.Filters.Save(ctx, w.alice.ID, f))
		ok(t, w.s.Destinations.Delete(ctx, w.alice.ID, w.second.ID))
		w.do(undoSecret(t, w.s, w.second.Address))
		back := must[prefs.Filter](t)(w.s.Filters.Get(ctx, w.alice.ID, f.ID))
		ds := must[[]prefs.Destination](t)(w.s.Destinations.List(ctx, w.alice.ID))
		if !back.On || !slices.Equal(back.Destinations, []uint{ds[len(ds)-1].ID}) {
			t.Errorf("%+v; destinations %+v", back, ds)
		}
	})
}

// TestClaimedAddressStaysWhereItIs: what somebody else has confirmed meanwhile is not taken from them.
func TestClaimedAddressStaysWhereItIs(t *testing.T) {
	eachIntrusion(t, func(t *testing.T, w *intrusion, _ *clock) {
		ctx := t.Context()
		ok(t, w.s.Destinations.Delete(ctx, w.alice.ID, w.second.ID))
		secret := undoSecret(t, w.s, w.second.Address)
		must[prefs.User](t)(w.s.Accounts.Register(ctx, "bob", "", "email", w.second.Address))
		left := must[[]accounts.Undo](t)(w.s.Undos.Do(ctx, secret))
		if len(left) != 1 || left[0].About != w.second.Address || w.isIn(w.key) {
			t.Errorf("left %+v", left)
		}
		if got := w.addresses(); !slices.Equal(got, []string{"alice@example.org+"}) {
			t.Errorf("%q", got)
		}
	})
}

// TestAddressEndsWhatItBegan: switched off, kept out, refused, deleted.
func TestAddressEndsWhatItBegan(t *testing.T) {
	for name, end := range map[string]func(w *intrusion) error{
		"switched off": func(w *intrusion) error {
			return w.s.Destinations.SetOn(w.t.Context(), w.alice.ID, w.first.ID, false)
		},
		"kept out": func(w *intrusion) error {
			w.letIn(w.second)
			return w.s.Destinations.KeepOut(w.t.Context(), w.alice.ID, w.first.ID)
		},
		"refused": func(w *intrusion) error { return w.s.Destinations.Disable(w.t.Context(), w.first.ID, "550") },
		"deleted": func(w *intrusion) error {
			return w.s.Destinations.Delete(w.t.Context(), w.alice.ID, w.first.ID)
		},
	} {
		t.Run(name, func(t *testing.T) {
			eachIntrusion(t, func(t *testing.T, w *intrusion, _ *clock) {
				mine := must[string](t)(w.s.Logins.Begin(t.Context(), accounts.Login{User: w.alice.ID, Way: "provider"}))
				ok(t, end(w))
				if w.isIn(w.key) || !w.isIn(mine) {
					t.Errorf("by the address: %v, in another way: %v", w.isIn(w.key), w.isIn(mine))
				}
				_, _, err := w.s.Accounts.ByWayIn(t.Context(), "email", w.first.Address)
				if !errors.Is(err, prefs.ErrNoWayIn) && !errors.Is(err, prefs.ErrNotFound) {
					t.Errorf("ByWayIn = %v", err)
				}
			})
		})
	}
}

// TestNobodyLocksThemselvesOut: of two ways in, which are given up at once, one stays. An operator may take the last.
func TestNobodyLocksThemselvesOut(t *testing.T) {
	eachIntrusion(t, func(t *testing.T, w *intrusion, _ *clock) {
		ctx := t.Context()
		d := w.s.Destinations
		herself := accounts.WithActor(ctx, accounts.Actor{Kind: accounts.Person, ID: w.alice.ID})
		operator := accounts.WithActor(ctx, accounts.Actor{Kind: accounts.Person, ID: w.alice.ID + 1})
		w.letIn(w.second)
		var both errgroup.Group
		var left [2]error
		both.Go(func() error { left[0] = d.SetOn(herself, w.alice.ID, w.first.ID, false); return nil })
		both.Go(func() error { left[1] = d.Delete(herself, w.alice.ID, w.second.ID); return nil })
		ok(t, both.Wait())
		if (left[0] == nil) == (left[1] == nil) || !errors.Is(errors.Join(left[:]...), prefs.ErrLastWay) {
			t.Fatalf("both ways in were given up at once: %v and %v", left[0], left[1])
		}
		last := w.first
		if left[0] == nil {
			last = w.second
		}
		want(t, d.SetOn(herself, w.alice.ID, last.ID, false), prefs.ErrLastWay)
		want(t, d.Delete(herself, w.alice.ID, last.ID), prefs.ErrLastWay)
		ok(t, d.SetOn(operator, w.alice.ID, last.ID, false))
		ok(t, d.Delete(herself, w.alice.ID, last.ID))
	})
}

// TestWhoLetsIn: an address is a way in by a code of its own, and never one that is not confirmed or was refused.
func TestWhoLetsIn(t *testing.T) {
	eachIntrusion(t, func(t *testing.T, w *intrusion, _ *clock) {
		ctx := t.Context()
		d := w.s.Destinations
		want(t, d.KeepOut(ctx, w.alice.ID, w.first.ID), prefs.ErrLastWay)
		want(t, d.LetIn(ctx, w.alice.ID, w.second.ID, "AAAAA-AAAAA"), prefs.ErrCode)
		code := must[string](t)(d.NewCode(ctx, w.alice.ID, w.second.ID)) // that confirms, and no more
		want(t, d.LetIn(ctx, w.alice.ID, w.second.ID, code), prefs.ErrCode)
		third := must[prefs.Destination](t)(d.Add(ctx, w.alice.ID, "email", "third@example.org"))
		_, err := d.AskLetIn(ctx, w.alice.ID, third.ID)
		want(t, err, prefs.ErrNoWayIn)
		w.letIn(w.second)
		ok(t, d.Disable(ctx, w.second.ID, "550"))
		_, err = d.AskLetIn(ctx, w.alice.ID, w.second.ID)
		want(t, err, prefs.ErrNoWayIn)
		ok(t, d.SetOn(ctx, w.alice.ID, w.second.ID, true))
		all := []string{"alice@example.org+", "second@example.org", "third@example.org"}
		if got := w.addresses(); !slices.Equal(got, all) {
			t.Errorf("switched on again: %q", got)
		}
	})
}

// TestFreshCodeIsOfItsLogin: a code that was mailed for one session makes no other fresh.
func TestFreshCodeIsOfItsLogin(t *testing.T) {
	eachIntrusion(t, func(t *testing.T, w *intrusion, _ *clock) {
		ctx, d := t.Context(), w.s.Destinations
		ref := must[accounts.Ticket](t)(d.AskFresh(ctx, w.alice.ID, w.first.ID, 7)).Ref
		code := mailedSecret(t, w.s, ref, w.first.Address)
		want(t, d.TryFresh(ctx, w.alice.ID, w.first.ID, 8, code), prefs.ErrCode)
		ok(t, d.TryFresh(ctx, w.alice.ID, w.first.ID, 7, code))
		want(t, d.TryFresh(ctx, w.alice.ID, w.first.ID, 7, code), prefs.ErrCode)
		_, err := d.AskFresh(ctx, w.alice.ID, w.second.ID, 7) // lets nobody in
		want(t, err, prefs.ErrNoWayIn)
	})
}

// TestQuickIntruderSilencesNobody: what was on its way to an address when it was removed is told again. It was wiped
// with all that waited there, and an intruder who is quick removes the address before anything was sent.
func TestQuickIntruderSilencesNobody(t *testing.T) {
	each(t, func(t *testing.T, _ *prefs.Store, d *migrations.DB, c *clock) {
		var s *prefs.Store
		var letters []accounts.Letter
		s = prefs.Open(prefs.Config{Writer: d.Writer, Reader: d.Reader, Now: c.now, Random: rand.Reader, ClaimedNames: yes,
			Told: func(tx *gorm.DB, h accounts.Happened) (err error) {
				letters, err = s.Mailed.Tell(tx, h, "email")
				return err
			}})
		alice, mail := person(t, s, "alice")
		w := &intrusion{t: t, s: s, alice: alice, first: mail}
		w.confirm("work@example.org")
		sent := letters[0]
		mailedSecret(t, s, sent.Ticket.Ref, mail.Address)
		mine := w.confirm("mallory@example.net")
		waits := letters[slices.IndexFunc(letters, func(l accounts.Letter) bool { return l.Address == mail.Address })]
		w.letIn(mine)
		ok(t, s.Destinations.Delete(t.Context(), alice.ID, mail.ID))
		var kinds []accounts.Happening
		for _, l := range letters {
			if l.Address == mail.Address {
				kinds = append(kinds, l.Kind)
			}
			if l.Ticket.Ref == sent.Ticket.Ref {
				t.Error("what was sent is told again")
			}
		}
		want := []accounts.Happening{accounts.AddressAdded, accounts.WayInAdded, accounts.AddressRemoved}
		if !slices.Equal(kinds, want) {
			t.Fatalf("told of %q, want %q", kinds, want)
		}
		w.key = w.begin(mine)
		w.do(mailedSecret(t, s, waits.Ticket.Ref, mail.Address))
		if got := w.addresses(); !slices.Equal(got, []string{"alice@example.org+", "work@example.org"}) {
			t.Errorf("%q", got)
		}
	})
}
