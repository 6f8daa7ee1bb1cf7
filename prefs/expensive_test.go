package prefs_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/rulespec"
)

// streams says whether a filter is among those that are asked.
func streams(t *testing.T, s *prefs.Store, id rulespec.FilterID) bool {
	t.Helper()
	for f, err := range s.Stream(t.Context()) {
		if ok(t, err); f.ID == id {
			return true
		}
	}
	return false
}

func TestMarkExpensive(t *testing.T) {
	each(t, func(t *testing.T, s *prefs.Store, d *migrations.DB, _ *clock) {
		ctx := t.Context()
		alice, _ := person(t, s, "alice")
		f := must[prefs.Filter](t)(s.SaveFilter(ctx, alice.ID, packageFilter("dear", "bash")))
		other := must[prefs.Filter](t)(s.SaveFilter(ctx, alice.ID, packageFilter("other", "zsh")))
		before := must[int64](t)(s.Revision(ctx, nil))
		ok(t, s.MarkExpensive(ctx, map[rulespec.FilterID]int64{f.ID: 123456, 99999: 1}, before))
		got := must[prefs.Filter](t)(s.Filter(ctx, alice.ID, f.ID))
		if !strings.Contains(got.Broken, "too expensive") || !strings.Contains(got.Broken, "123456 steps") || !got.On {
			t.Errorf("marked: %+v", got)
		}
		if streams(t, s, f.ID) || !streams(t, s, other.ID) {
			t.Error("the marked filter is asked, or the other one is not")
		}
		touched, whole, err := s.Changes(d.Reader, before, must[int64](t)(s.Revision(ctx, nil)))
		if err != nil || !whole || !slices.Equal(touched, []rulespec.FilterID{f.ID}) {
			t.Errorf("touched %v, %v, %v", touched, whole, err)
		}

		f.Name = "renamed"
		if f = must[prefs.Filter](t)(s.SaveFilter(ctx, alice.ID, f)); f.Broken == "" || streams(t, s, f.ID) {
			t.Error("another name takes the mark away")
		}
		if copied := must[prefs.Filter](t)(s.CopyFilter(ctx, alice.ID, f.ID)); copied.Broken == "" {
			t.Error("a copy has no mark")
		}
		f.Rules = packageFilter("", "kernel").Rules
		if f = must[prefs.Filter](t)(s.SaveFilter(ctx, alice.ID, f)); f.Broken != "" || !streams(t, s, f.ID) {
			t.Errorf("other rules leave the mark: %q", f.Broken)
		}
	})
}

// TestMarkExpensiveComesTooLate marks what was changed after it was asked.
func TestMarkExpensiveComesTooLate(t *testing.T) {
	each(t, func(t *testing.T, s *prefs.Store, _ *migrations.DB, _ *clock) {
		ctx := t.Context()
		alice, _ := person(t, s, "alice")
		f := must[prefs.Filter](t)(s.SaveFilter(ctx, alice.ID, packageFilter("dear", "bash")))
		before := must[int64](t)(s.Revision(ctx, nil))
		f.Rules = packageFilter("", "kernel").Rules
		f = must[prefs.Filter](t)(s.SaveFilter(ctx, alice.ID, f))
		ok(t, s.MarkExpensive(ctx, map[rulespec.FilterID]int64{f.ID: 1}, before))
		if got := must[prefs.Filter](t)(s.Filter(ctx, alice.ID, f.ID)); got.Broken != "" {
			t.Errorf("marked: %q", got.Broken)
		}
	})
}
