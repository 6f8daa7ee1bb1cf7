package prefs_test

import (
	"errors"
	"reflect"
	"strings"
	"sync"
	"testing"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/rulespec"
)

func TestSaveFilter(t *testing.T) {
	each(t, func(t *testing.T, s *prefs.Store, _ *migrations.DB, _ *clock) {
		ctx := t.Context()
		alice, mail := person(t, s, "alice")
		f := prefs.Filter{On: true, OneShot: true, Destinations: []uint{mail.ID, mail.ID}, Filter: rulespec.Filter{
			Name: "ünï \"quoted\"", Owner: "somebody else", Rules: []rulespec.Rule{
				{Kind: "package", Args: rulespec.Args{"name": {"bash", "z*"}}},
				{Kind: "actor", Args: rulespec.Args{"name": {rulespec.Me}}, Not: true},
			}}}
		saved := must[prefs.Filter](t)(s.Filters.Save(ctx, alice.ID, f))
		got := must[prefs.Filter](t)(s.Filters.Get(ctx, alice.ID, saved.ID))
		if !reflect.DeepEqual(got, saved) || got.Owner != "alice" || !got.OneShot ||
			!reflect.DeepEqual(got.Rules, f.Rules) {
			t.Errorf("saved\n%+v, read\n%+v", saved, got)
		}
		got.Name, got.On, got.Destinations = "renamed", false, nil
		changed := must[prefs.Filter](t)(s.Filters.Save(ctx, alice.ID, got))
		if again := must[prefs.Filter](t)(s.Filters.Get(ctx, alice.ID, saved.ID)); !reflect.DeepEqual(again, changed) ||
			again.Name != "renamed" || again.On {
			t.Errorf("changed to %+v", again)
		}
		ok(t, s.Accounts.Rename(ctx, alice.ID, "alicia"))
		if got := must[prefs.Filter](t)(s.Filters.Get(ctx, alice.ID, saved.ID)); got.Owner != "alicia" {
			t.Errorf("@me stands for %q", got.Owner)
		}
	})
}

func TestSaveFilterRefuses(t *testing.T) {
	each(t, func(t *testing.T, s *prefs.Store, _ *migrations.DB, _ *clock) {
		ctx := t.Context()
		alice, _ := person(t, s, "alice")
		_, bobs := person(t, s, "bob")
		before := len(must[[]prefs.Filter](t)(s.Filters.List(ctx, alice.ID)))
		bad := map[string][]rulespec.Rule{
			"no rules":     nil,
			"only not":     {{Kind: "package", Args: rulespec.Args{"name": {"bash"}}, Not: true}},
			"unknown kind": {{Kind: "astrology", Args: rulespec.Args{"sign": {"leo"}}}},
			"bad regex":    {{Kind: "regex", Args: rulespec.Args{"pattern": {"("}}}},
		}
		for name, rules := range bad {
			_, err := s.Filters.Save(ctx, alice.ID,
				prefs.Filter{On: true, Filter: rulespec.Filter{Name: name, Rules: rules}})
			if e := new(rulespec.Error); !errors.As(err, &e) {
				t.Errorf("%s: %v", name, err)
			}
		}
		for _, name := range []string{"", "a\nb", "\xff", strings.Repeat("x", 300)} {
			if _, err := s.Filters.Save(ctx, alice.ID, packageFilter(name, "bash")); !isInput(err) {
				t.Errorf("name %q: %v", name, err)
			}
		}
		foreign := packageFilter("to bob", "bash")
		foreign.Destinations = []uint{bobs.ID}
		_, err := s.Filters.Save(ctx, alice.ID, foreign)
		want(t, err, prefs.ErrNotFound)
		if after := len(must[[]prefs.Filter](t)(s.Filters.List(ctx, alice.ID))); after != before {
			t.Errorf("%d filters, before %d", after, before)
		}
	})
}

func TestFiltersAreTheirOwners(t *testing.T) {
	each(t, func(t *testing.T, s *prefs.Store, _ *migrations.DB, _ *clock) {
		ctx := t.Context()
		alice, _ := person(t, s, "alice")
		mallory, _ := person(t, s, "mallory")
		f := must[prefs.Filter](t)(s.Filters.Save(ctx, alice.ID, packageFilter("mine", "bash")))
		stolen := packageFilter("stolen", "zsh")
		stolen.ID = f.ID
		_, err := s.Filters.Save(ctx, mallory.ID, stolen)
		want(t, err, prefs.ErrNotFound)
		_, err = s.Filters.Get(ctx, mallory.ID, f.ID)
		want(t, err, prefs.ErrNotFound)
		_, err = s.Filters.Copy(ctx, mallory.ID, f.ID)
		want(t, err, prefs.ErrNotFound)
		want(t, s.Filters.SetOn(ctx, mallory.ID, f.ID, false), prefs.ErrNotFound)
		want(t, s.Filters.Delete(ctx, mallory.ID, f.ID), prefs.ErrNotFound)
		if got := must[prefs.Filter](t)(s.Filters.Get(ctx, alice.ID, f.ID)); !reflect.DeepEqual(got, f) {
			t.Errorf("the filter is now %+v", got)
		}
	})
}

func TestCopyFilter(t *testing.T) {
	each(t, func(t *testing.T, s *prefs.Store, _ *migrations.DB, _ *clock) {
		ctx := t.Context()
		alice, mail := person(t, s, "alice")
		f := packageFilter(strings.Repeat("ü", 128), "bash")
		f.Destinations = []uint{mail.ID}
		f = must[prefs.Filter](t)(s.Filters.Save(ctx, alice.ID, f))
		twin := must[prefs.Filter](t)(s.Filters.Copy(ctx, alice.ID, f.ID))
		if twin.ID == f.ID || twin.On || !strings.HasSuffix(twin.Name, " (copy)") || twin.Broken != "" ||
			!reflect.DeepEqual(twin.Rules, f.Rules) || !reflect.DeepEqual(twin.Destinations, f.Destinations) {
			t.Errorf("the copy is %+v", twin)
		}
	})
}

// TestBrokenFilterIsKept stores rules that a newer version may have written.
func TestBrokenFilterIsKept(t *testing.T) {
	each(t, func(t *testing.T, s *prefs.Store, d *migrations.DB, _ *clock) {
		ctx := t.Context()
		alice, _ := person(t, s, "alice")
		for _, text := range []string{`[{"astrology": {"sign": ["leo"]}}]`, `{"not": "a list"}`, ``, `[]`} {
			f := must[prefs.Filter](t)(s.Filters.Save(ctx, alice.ID, packageFilter("mine", "bash")))
			ok(t, d.Writer.Exec("UPDATE filters SET rules = ? WHERE id = ?", text, f.ID).Error)
			got := must[prefs.Filter](t)(s.Filters.Get(ctx, alice.ID, f.ID))
			if got.Broken == "" || got.Name != "mine" {
				t.Errorf("%q: %+v", text, got)
			}
			for _, sub := range subscriptions(t, s, d) {
				if sub.Filter.ID == f.ID {
					t.Errorf("%q is a subscription", text)
				}
			}
			ok(t, s.Filters.SetOn(ctx, alice.ID, f.ID, true)) // touches no rules
			must[prefs.Filter](t)(s.Filters.Copy(ctx, alice.ID, f.ID))
			var stored string
			ok(t, d.Reader.Raw("SELECT rules FROM filters WHERE id = ?", f.ID).Scan(&stored).Error)
			if stored != text {
				t.Errorf("%q became %q", text, stored)
			}
		}
	})
}

func TestTooManyFilters(t *testing.T) {
	each(t, func(t *testing.T, s *prefs.Store, d *migrations.DB, _ *clock) {
		alice, _ := person(t, s, "alice")
		ok(t, d.Writer.Exec("INSERT INTO filters "+
			"(user_id, name, rules, is_on, one_shot, chosen, created_at, updated_at) "+
			"SELECT f.user_id, f.name, f.rules, f.is_on, f.one_shot, f.chosen, 0, 0 FROM filters f, "+
			"(SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5) a, "+
			"(SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5 UNION SELECT 6 UNION SELECT 7) b, "+
			"(SELECT 1 UNION SELECT 2 UNION SELECT 3) c").Error)
		_, err := s.Filters.Save(t.Context(), alice.ID, packageFilter("one more", "bash"))
		want(t, err, prefs.ErrTooMany)
		_, err = s.Filters.Copy(t.Context(), alice.ID,
			must[[]prefs.Filter](t)(s.Filters.List(t.Context(), alice.ID))[0].ID)
		want(t, err, prefs.ErrTooMany)
	})
}

// TestOneShotFiresOnce delivers for one filter from several nodes.
func TestOneShotFiresOnce(t *testing.T) {
	each(t, func(t *testing.T, s *prefs.Store, d *migrations.DB, _ *clock) {
		ctx := t.Context()
		alice, _ := person(t, s, "alice")
		var ids []rulespec.FilterID
		for range 5 {
			f := packageFilter("once", "bash")
			f.OneShot = true
			ids = append(ids, must[prefs.Filter](t)(s.Filters.Save(ctx, alice.ID, f)).ID)
		}
		lasting := must[prefs.Filter](t)(s.Filters.Save(ctx, alice.ID, packageFilter("lasting", "bash")))
		before := must[int64](t)(s.Subscriptions.Revision(ctx, nil))
		fired := make(map[rulespec.FilterID]int)
		var mu sync.Mutex
		var wg sync.WaitGroup
		for node := range 6 {
			wg.Go(func() {
				mine := append([]rulespec.FilterID{lasting.ID, 9999}, ids...)
				for i := range mine { // each node in an order of its own
					j := (i*5 + node) % len(mine)
					mine[i], mine[j] = mine[j], mine[i]
				}
				var switched []rulespec.FilterID
				err := d.Writer.Transaction(func(tx *gorm.DB) (err error) {
					switched, err = s.Subscriptions.SwitchOffOneShots(tx, mine)
					return err
				})
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				for _, id := range switched {
					fired[id]++
				}
			})
		}
		wg.Wait()
		for _, id := range ids {
			if fired[id] != 1 {
				t.Errorf("filter %d fired %d times", id, fired[id])
			}
		}
		if fired[lasting.ID] != 0 || len(fired) != len(ids) {
			t.Errorf("fired: %v", fired)
		}
		if must[int64](t)(s.Subscriptions.Revision(ctx, nil)) <= before {
			t.Error("the revision stays")
		}
	})
}

func TestOneShotStaysOnWhenDeliveryFails(t *testing.T) {
	each(t, func(t *testing.T, s *prefs.Store, d *migrations.DB, _ *clock) {
		alice, _ := person(t, s, "alice")
		f := packageFilter("once", "bash")
		f.OneShot = true
		f = must[prefs.Filter](t)(s.Filters.Save(t.Context(), alice.ID, f))
		failed := errors.New("no delivery")
		err := d.Writer.Transaction(func(tx *gorm.DB) error {
			if _, err := s.Subscriptions.SwitchOffOneShots(tx, []rulespec.FilterID{f.ID}); err != nil {
				return err
			}
			return failed
		})
		want(t, err, failed)
		if got := must[prefs.Filter](t)(s.Filters.Get(t.Context(), alice.ID, f.ID)); !got.On {
			t.Error("it is off")
		}
	})
}
