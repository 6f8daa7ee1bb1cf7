package prefs_test

import (
	"context"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/links"
	"github.com/notifyd/notifyd/prefs/schedule"
	"github.com/notifyd/notifyd/rulespec"
)

// everything returns the subscriptions of all filters that are on, read as the daemon does at its start.
func everything(ctx context.Context, s *prefs.Store, d *migrations.DB) ([]*prefs.Subscription, error) {
	var ids []rulespec.FilterID
	for f, err := range s.Subscriptions.Stream(ctx) {
		if err != nil {
			return nil, err
		}
		ids = append(ids, f.ID)
	}
	return s.Subscriptions.Load(d.Reader.WithContext(ctx), ids)
}

func subscriptions(t *testing.T, s *prefs.Store, d *migrations.DB) []*prefs.Subscription {
	t.Helper()
	return must[[]*prefs.Subscription](t)(everything(t.Context(), s, d))
}

// A follower is a reader that applies changes only, as a node does.
type follower struct {
	revision int64
	filters  map[rulespec.FilterID]rulespec.Filter
	cache    *prefs.Cache
}

// follow applies the changes since the last call. Where the log is incomplete it reads everything.
func (f *follower) follow(ctx context.Context, s *prefs.Store, d *migrations.DB) (whole bool, err error) {
	tx := d.Reader.WithContext(ctx)
	now, err := s.Subscriptions.Revision(ctx, nil)
	if err != nil {
		return false, err
	}
	var ids []rulespec.FilterID
	if f.filters != nil {
		if ids, whole, err = s.Subscriptions.Changes(tx, f.revision, now); err != nil {
			return false, err
		}
	}
	f.revision = now
	if !whole {
		f.filters, f.cache = map[rulespec.FilterID]rulespec.Filter{}, prefs.NewCache(s.Subscriptions, 20, 10_000)
		for filter, err := range s.Subscriptions.Stream(ctx) {
			if err != nil {
				return false, err
			}
			f.filters[filter.ID] = filter
		}
		return false, nil
	}
	f.cache.Forget(ids)
	for _, id := range ids {
		delete(f.filters, id)
	}
	changed, err := s.Subscriptions.FiltersOn(tx, ids)
	for _, filter := range changed {
		f.filters[filter.ID] = filter
	}
	return true, err
}

// check compares the follower's subscriptions with those in the store.
func (f *follower) check(ctx context.Context, s *prefs.Store, d *migrations.DB) (problem string, err error) {
	stored := 0
	for filter, err := range s.Subscriptions.Stream(ctx) {
		if err != nil {
			return "", err
		}
		if was := f.filters[filter.ID]; !reflect.DeepEqual(was, filter) {
			return "the follower has another filter than the store", nil
		}
		stored++
	}
	if len(f.filters) != stored {
		return "the follower has filters that are off or gone", nil
	}
	all, err := everything(ctx, s, d)
	if err != nil {
		return "", err
	}
	var ids []rulespec.FilterID
	for _, sub := range all {
		ids = append(ids, sub.Filter.ID)
	}
	slices.Reverse(ids)
	read, err := f.cache.Read(d.Reader.WithContext(ctx), append(ids, 999_999))
	if err != nil {
		return "", err
	}
	for _, sub := range all {
		if !reflect.DeepEqual(read[sub.Filter.ID], sub) {
			return "the cache has another subscription than the store", nil
		}
	}
	if read[999_999] != nil {
		return "a filter that never was reaches somebody", nil
	}
	return "", nil
}

// TestChangesNameWhatEveryWriteTouches makes each kind of change while a follower reads only the log.
func TestChangesNameWhatEveryWriteTouches(t *testing.T) {
	each(t, func(t *testing.T, s *prefs.Store, d *migrations.DB, c *clock) {
		ctx := t.Context()
		alice, mail := person(t, s, "alice")
		bob, _ := person(t, s, "bob")
		irc := must[prefs.Destination](t)(s.Destinations.Add(ctx, alice.ID, "irc", "alice"))
		chosen := packageFilter("chosen", "bash")
		chosen.Destinations = []uint{mail.ID}
		one := must[prefs.Filter](t)(s.Filters.Save(ctx, alice.ID, packageFilter("one", "bash")))
		chosen = must[prefs.Filter](t)(s.Filters.Save(ctx, alice.ID, chosen))
		var f follower
		must[bool](t)(f.follow(ctx, s, d))
		for _, step := range []struct {
			name   string
			change func() error
		}{
			{"add a destination", func() error {
				_, err := s.Destinations.Add(ctx, alice.ID, "irc", "alice2")
				return err
			}},
			{"confirm", func() error {
				return s.Destinations.Confirm(ctx, alice.ID, irc.ID,
					must[string](t)(s.Destinations.NewCode(ctx, alice.ID, irc.ID)))
			}},
			{"schedule", func() error {
				return s.Destinations.SetSchedule(ctx, alice.ID, irc.ID, schedule.Schedule{Count: 3})
			}},
			{"quiet hours", func() error { return s.Accounts.SetQuiet(ctx, alice.ID, nights(t)) }},
			{"quiet hours of a destination", func() error {
				return s.Destinations.SetQuiet(ctx, alice.ID, irc.ID, nights(t))
			}},
			{"pause", func() error {
				return s.Accounts.Pause(ctx, alice.ID, schedule.Pause{Until: c.now().Add(time.Hour)})
			}},
			{"resume", func() error { return s.Accounts.Resume(ctx, alice.ID, false) }},
			{"schedule of a filter", func() error {
				return s.Filters.SetSchedule(ctx, alice.ID, one.ID, mail.ID, &schedule.Schedule{At: "07:00,12:00"})
			}},
			{"no schedule of a filter", func() error {
				return s.Filters.SetSchedule(ctx, alice.ID, one.ID, mail.ID, nil)
			}},
			{"destination off", func() error { return s.Destinations.SetOn(ctx, alice.ID, mail.ID, false) }},
			{"destination on", func() error { return s.Destinations.SetOn(ctx, alice.ID, mail.ID, true) }},
			{"disable", func() error { return s.Destinations.Disable(ctx, mail.ID, "refused") }},
			{"on again", func() error { return s.Destinations.SetOn(ctx, alice.ID, mail.ID, true) }},
			{"save", func() error {
				changed := packageFilter("changed", "zsh")
				changed.ID = one.ID
				_, err := s.Filters.Save(ctx, alice.ID, changed)
				return err
			}},
			{"copy", func() error { _, err := s.Filters.Copy(ctx, alice.ID, one.ID); return err }},
			{"off", func() error { return s.Filters.SetOn(ctx, alice.ID, one.ID, false) }},
			{"on", func() error { return s.Filters.SetOn(ctx, alice.ID, one.ID, true) }},
			{"one-shot", func() error { return setOneShot(ctx, s, alice.ID, one.ID, true) }},
			{"fire", func() error {
				_, err := s.Subscriptions.SwitchOffOneShots(d.Writer, []rulespec.FilterID{one.ID})
				return err
			}},
			{"stop", func() error {
				_, err := s.Unsubscriber.Unsubscribe(ctx, links.Target{Filter: chosen.ID, Destination: mail.ID})
				return err
			}},
			{"unstop", func() error {
				of := links.Target{Filter: chosen.ID, Destination: mail.ID}
				return s.Unsubscriber.Undo(ctx, links.Change{Target: of, Detached: true, SwitchedOff: true})
			}},
			{"stop all", func() error {
				_, err := s.Unsubscriber.Unsubscribe(ctx, links.Target{Destination: irc.ID})
				return err
			}},
			{"unstop all", func() error {
				return s.Unsubscriber.Undo(ctx, links.Change{Target: links.Target{Destination: irc.ID},
					SwitchedOff: true})
			}},
			{"rename", func() error { return s.Accounts.Rename(ctx, alice.ID, "alicia") }},
			{"zone", func() error { return s.Accounts.SetZone(ctx, alice.ID, "Europe/Berlin") }},
			{"delete a destination", func() error { return s.Destinations.Delete(ctx, alice.ID, irc.ID) }},
			{"delete a filter", func() error { return s.Filters.Delete(ctx, alice.ID, one.ID) }},
			{"create a user", func() error {
				_, err := s.Accounts.Register(ctx, "carol", "", "email", "carol@example.org")
				return err
			}},
			{"delete a user", func() error { return s.Accounts.Delete(ctx, bob.ID) }},
			{"prune", func() error { c.pass(3600e9); return s.Prune(ctx) }},
		} {
			ok(t, step.change())
			if whole := must[bool](t)(f.follow(ctx, s, d)); !whole {
				t.Errorf("%s: the log has a hole", step.name)
			}
			if problem := must[string](t)(f.check(ctx, s, d)); problem != "" {
				t.Errorf("%s: %s", step.name, problem)
			}
		}
	})
}

// TestChangesSayWhenTheyDoNotReach: the log is incomplete after a change by hand, after a cut, and for a revision
// that never existed.
func TestChangesSayWhenTheyDoNotReach(t *testing.T) {
	each(t, func(t *testing.T, s *prefs.Store, d *migrations.DB, c *clock) {
		ctx := t.Context()
		alice, _ := person(t, s, "alice")
		f := must[prefs.Filter](t)(s.Filters.Save(ctx, alice.ID, packageFilter("one", "bash")))
		whole := func(after, until int64) bool {
			t.Helper()
			_, whole, err := s.Subscriptions.Changes(d.Reader, after, until)
			ok(t, err)
			return whole
		}
		first := must[int64](t)(s.Subscriptions.Revision(ctx, nil))
		ok(t, s.Filters.SetOn(ctx, alice.ID, f.ID, false))
		if !whole(first, first+1) || !whole(first, first) {
			t.Error("the log does not tell of one change")
		}
		if whole(first+2, first+1) || whole(first, first+2) {
			t.Error("the log tells of revisions that never were")
		}
		ok(t, d.Writer.Exec("UPDATE revisions SET value = value + 1").Error)
		if now := must[int64](t)(s.Subscriptions.Revision(ctx, nil)); whole(first, now) {
			t.Error("the log passes for whole after a change by hand")
		}
		ok(t, s.Filters.SetOn(ctx, alice.ID, f.ID, true))
		now := must[int64](t)(s.Subscriptions.Revision(ctx, nil))
		if !whole(now-1, now) {
			t.Error("the log does not tell of what came after a change by hand")
		}
		c.pass(8 * 24 * 3600e9)
		ok(t, s.Prune(ctx))
		if whole(first, first+1) || !whole(now-1, now) {
			t.Error("a cut must leave the last revision, and pass for a hole before")
		}
		if was := must[int64](t)(s.Subscriptions.RevisionTime(ctx, now)); was != c.now().Add(-8*24*3600e9).UnixMicro() {
			t.Errorf("the last revision is of %d", was)
		}
		var rows int64
		ok(t, d.Reader.Table("changes").Count(&rows).Error)
		if rows != 2 {
			t.Errorf("%d rows in the log after it was cut, want the last revision's two", rows)
		}
		ok(t, d.Writer.Exec("UPDATE revisions SET value = value + 30000").Error)
		ok(t, s.Filters.SetOn(ctx, alice.ID, f.ID, true))
		ok(t, d.Reader.Table("changes").Count(&rows).Error)
		if rows != 2 {
			t.Errorf("%d rows in the log, want the last revision's two: old revisions must go", rows)
		}
	})
}
