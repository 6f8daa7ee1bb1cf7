package prefs_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/gate"
	"github.com/notifyd/notifyd/prefs/mute"
	"github.com/notifyd/notifyd/prefs/mutes"
	"github.com/notifyd/notifyd/rulespec"
)

// TestTwoNodesSeeAMute: what one node stores another one reads with its next message, and what a message ends too.
func TestTwoNodesSeeAMute(t *testing.T) {
	each(t, func(t *testing.T, s *prefs.Store, d *migrations.DB, c *clock) {
		other := openStore(d, c.now)
		alice := must[prefs.User](t)(s.Accounts.Register(t.Context(), "alice", "", "email", "alice@example.org"))
		f := must[prefs.Filter](t)(s.Filters.Save(t.Context(), alice.ID, prefs.Filter{On: true,
			Filter: rulespec.Filter{Name: "All", Rules: []rulespec.Rule{{Kind: "everything"}}}}))
		cache := prefs.NewCache(other.Subscriptions, 10, 1<<20)
		revision := must[int64](t)(other.Subscriptions.Revision(t.Context(), nil))
		muted := func() []mute.Mute {
			t.Helper()
			now := must[int64](t)(other.Subscriptions.Revision(t.Context(), nil))
			changed, whole, err := other.Subscriptions.Changes(nil, revision, now)
			if err != nil || !whole {
				t.Fatal(whole, err)
			}
			revision = now
			cache.Forget(changed)
			found, err := cache.Read(d.Reader.WithContext(t.Context()), []rulespec.FilterID{f.ID})
			ok(t, err)
			return found[f.ID].User.Mutes
		}
		if len(muted()) != 0 {
			t.Fatal("something is muted")
		}
		of := mute.Mute{Kind: mute.Object, Value: "t/1", UntilSolved: true}
		made, _, err := s.Mutes.Make(t.Context(), alice.ID, of, "page")
		ok(t, err)
		if m := muted(); len(m) != 1 || m[0].ID != made.ID || !m[0].On(c.now()) {
			t.Fatalf("the other node has %+v", m)
		}
		by := mute.NewSilencer(c.now())
		ok(t, s.Write(t.Context(), func(tx *gorm.DB) error {
			ends, err := s.Subscriptions.MutesThatEnd(tx, []string{"t/1"}, c.now())
			by.Begin(mute.Facts{Objects: []string{"t/1"}, Solved: "t/1"}, ends)
			return errors.Join(err, s.Subscriptions.Muted(tx, by))
		}))
		if m := muted(); len(m) != 0 {
			t.Errorf("it is solved, and the other node has %+v", m)
		}
		list, err := other.Mutes.List(t.Context(), alice.ID)
		if err != nil || len(list) != 1 || list[0].EndedBy != mutes.BySolve {
			t.Errorf("%+v, %v", list, err)
		}
	})
}

// TestMutesAreBounded: of one person no more than a number are on, and what ended goes after a while.
func TestMutesAreBounded(t *testing.T) {
	each(t, func(t *testing.T, s *prefs.Store, d *migrations.DB, c *clock) {
		alice := must[prefs.User](t)(s.Accounts.Register(t.Context(), "alice", "", "email", "alice@example.org"))
		bob := must[prefs.User](t)(s.Accounts.Register(t.Context(), "bob", "", "email", "bob@example.org"))
		f := must[prefs.Filter](t)(s.Filters.Save(t.Context(), bob.ID, prefs.Filter{On: true,
			Filter: rulespec.Filter{Name: "Bob's", Rules: []rulespec.Rule{{Kind: "everything"}}}}))
		hour := func(kind mute.Kind, value string) error {
			_, _, err := s.Mutes.Make(t.Context(), alice.ID, mute.Mute{Kind: kind, Value: value, Ends: c.now().Add(time.Hour)},
				"page")
			return err
		}
		if err := hour(mute.Filter, fmt.Sprint(f.ID)); !errors.Is(err, prefs.ErrNotFound) {
			t.Errorf("a filter of somebody else: %v", err)
		}
		for i := range mutes.MostOn {
			ok(t, hour(mute.Package, fmt.Sprint("p", i)))
		}
		ok(t, hour(mute.Package, "P7")) // changes one that is on
		if err := hour(mute.Package, "more"); !errors.Is(err, prefs.ErrTooMany) {
			t.Errorf("one more: %v", err)
		}
		c.pass(time.Hour)
		ok(t, hour(mute.Package, "more"))
		list := must[[]mutes.Record](t)(s.Mutes.List(t.Context(), alice.ID))
		if len(list) != mutes.MostOn+1 {
			t.Errorf("%d are kept", len(list))
		}
		ok(t, d.Writer.Transaction(func(tx *gorm.DB) error { return mutes.Prune(tx, c.now().Add(mutes.Keep)) }))
		if list = must[[]mutes.Record](t)(s.Mutes.List(t.Context(), alice.ID)); len(list) != 1 || list[0].Value != "more" {
			t.Errorf("after 30 days %d are kept", len(list))
		}
		if err := s.Mutes.End(t.Context(), bob.ID, list[0].ID); !errors.Is(err, prefs.ErrNotFound) {
			t.Errorf("bob ends it: %v", err)
		}
	})
}

// TestGateSilencesWhatIsMuted: what was planned before, or by a node that did not know, is not sent either.
func TestGateSilencesWhatIsMuted(t *testing.T) {
	each(t, func(t *testing.T, s *prefs.Store, d *migrations.DB, c *clock) {
		alice := must[prefs.User](t)(s.Accounts.Register(t.Context(), "alice", "", "email", "alice@example.org"))
		own := must[[]prefs.Destination](t)(s.Destinations.List(t.Context(), alice.ID))
		f := must[prefs.Filter](t)(s.Filters.Save(t.Context(), alice.ID, prefs.Filter{On: true,
			Filter: rulespec.Filter{Name: "All", Rules: []rulespec.Rule{{Kind: "everything"}}}}))
		for _, m := range []mute.Mute{{Kind: mute.Package, Value: "bash", Errors: true},
			{Kind: mute.Filter, Value: fmt.Sprint(f.ID), Errors: true}} {
			m.Ends = c.now().Add(time.Hour)
			_, _, err := s.Mutes.Make(t.Context(), alice.ID, m, "page")
			ok(t, err)
		}
		mine, both := []outbox.Reason{{Filter: uint64(f.ID)}}, []outbox.Reason{{Filter: uint64(f.ID)}, {Filter: 99}}
		ask := outbox.Candidate{Backend: "email", Destination: prefs.Key(own[0].ID), Notices: []backends.Notice{
			{Packages: []string{"bash"}}, {Packages: []string{"bash"}, Severity: "error"}, {Packages: []string{"zsh"}}, {}, {},
			{Packages: []string{"bash"}}},
			Holds:   []string{"", "", "", "", "digest", outbox.Asked},
			Reasons: [][]outbox.Reason{both, both, both, mine, nil, mine}}
		want := []bool{true, false, false, true, false, false}
		check := func(on bool) {
			t.Helper()
			var answers []outbox.Answer
			ok(t, d.Writer.Transaction(func(tx *gorm.DB) (err error) {
				answers, err = new(gate.Gate).Rule(tx, c.now(), []outbox.Candidate{ask})
				return err
			}))
			if answers[0].Free == on {
				t.Errorf("free: %v", answers[0].Free)
			}
			for i := range want {
				drop := ""
				if answers[0].Rulings != nil {
					drop = answers[0].Rulings[i].Drop
				}
				if strings.HasPrefix(drop, "mute ") != (want[i] && on) {
					t.Errorf("notice %d: %q", i, drop)
				}
			}
		}
		check(true)
		list := must[[]mutes.Record](t)(s.Mutes.List(t.Context(), alice.ID))
		if list[0].Silenced != 1 || list[1].Silenced != 1 {
			t.Errorf("counted %d and %d", list[1].Silenced, list[0].Silenced)
		}
		c.pass(time.Hour)
		check(false)
	})
}
