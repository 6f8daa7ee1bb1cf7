package prefs_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/rulespec"
)

// streams reports whether Stream returns a filter.
func streams(t *testing.T, s *prefs.Store, id rulespec.FilterID) bool {
	t.Helper()
	for f, err := range s.Subscriptions.Stream(t.Context()) {
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
		f := must[prefs.Filter](t)(s.Filters.Save(ctx, alice.ID, packageFilter("dear", "bash")))
		other := must[prefs.Filter](t)(s.Filters.Save(ctx, alice.ID, packageFilter("other", "zsh")))
		before := must[int64](t)(s.Subscriptions.Revision(ctx, nil))
		ok(t, s.Subscriptions.MarkExpensive(ctx, map[rulespec.FilterID]int64{f.ID: 123456, 99999: 1}, before))
		got := must[prefs.Filter](t)(s.Filters.Get(ctx, alice.ID, f.ID))
		if !strings.Contains(got.Broken, "too expensive") || !strings.Contains(got.Broken, "123456 steps") || !got.On {
			t.Errorf("marked: %+v", got)
		}
		if streams(t, s, f.ID) || !streams(t, s, other.ID) {
			t.Error("the marked filter is asked, or the other one is not")
		}
		touched, whole, err := s.Subscriptions.Changes(d.Reader, before,
			must[int64](t)(s.Subscriptions.Revision(ctx, nil)))
		if err != nil || !whole || !slices.Equal(touched, []rulespec.FilterID{f.ID}) {
			t.Errorf("touched %v, %v, %v", touched, whole, err)
		}

		f.Name = "renamed"
		if f = must[prefs.Filter](t)(s.Filters.Save(ctx, alice.ID, f)); f.Broken == "" || streams(t, s, f.ID) {
			t.Error("another name takes the mark away")
		}
		if copied := must[prefs.Filter](t)(s.Filters.Copy(ctx, alice.ID, f.ID)); copied.Broken == "" {
			t.Error("a copy has no mark")
		}
		f.Rules = packageFilter("", "kernel").Rules
		if f = must[prefs.Filter](t)(s.Filters.Save(ctx, alice.ID, f)); f.Broken != "" || !streams(t, s, f.ID) {
			t.Errorf("other rules leave the mark: %q", f.Broken)
		}
	})
}

// TestMarkExpensiveComesTooLate marks a filter that was changed after it was found expensive.
func TestMarkExpensiveComesTooLate(t *testing.T) {
	each(t, func(t *testing.T, s *prefs.Store, _ *migrations.DB, _ *clock) {
		ctx := t.Context()
		alice, _ := person(t, s, "alice")
		f := must[prefs.Filter](t)(s.Filters.Save(ctx, alice.ID, packageFilter("dear", "bash")))
		before := must[int64](t)(s.Subscriptions.Revision(ctx, nil))
		f.Rules = packageFilter("", "kernel").Rules
		f = must[prefs.Filter](t)(s.Filters.Save(ctx, alice.ID, f))
		ok(t, s.Subscriptions.MarkExpensive(ctx, map[rulespec.FilterID]int64{f.ID: 1}, before))
		if got := must[prefs.Filter](t)(s.Filters.Get(ctx, alice.ID, f.ID)); got.Broken != "" {
			t.Errorf("marked: %q", got.Broken)
		}
	})
}

// TestTextsAreCounted has a person with as many expressions over texts as one may have.
func TestTextsAreCounted(t *testing.T) {
	each(t, func(t *testing.T, s *prefs.Store, _ *migrations.DB, _ *clock) {
		ctx := t.Context()
		alice, _ := person(t, s, "alice")
		searching := func(name string, patterns ...string) prefs.Filter {
			return prefs.Filter{On: true, Filter: rulespec.Filter{Name: name,
				Rules: []rulespec.Rule{{Kind: "regex", Args: rulespec.Args{"pattern": patterns}}}}}
		}
		first := must[prefs.Filter](t)(s.Filters.Save(ctx, alice.ID, searching("first", "kernel", "bash", "zsh-")))
		var rest []string
		for i := range rulespec.MaxTexts - 3 {
			rest = append(rest, "word"+string(rune('a'+i)))
		}
		second := must[prefs.Filter](t)(s.Filters.Save(ctx, alice.ID, searching("second", rest...)))
		_, err := s.Filters.Save(ctx, alice.ID, searching("third", "one too many"))
		var rule *rulespec.Error
		if !errors.As(err, &rule) || rule.Kind != "regex" || !strings.Contains(rule.Problem, "at most 10") {
			t.Errorf("one too many: %v", err)
		}
		if _, err := s.Filters.Copy(ctx, alice.ID, first.ID); err == nil {
			t.Error("a copy has more")
		}
		second.Name = "renamed"
		second = must[prefs.Filter](t)(s.Filters.Save(ctx, alice.ID, second))
		must[prefs.Filter](t)(s.Filters.Save(ctx, alice.ID, packageFilter("of a package", "bash")))
		ok(t, s.Filters.Delete(ctx, alice.ID, first.ID))
		must[prefs.Filter](t)(s.Filters.Save(ctx, alice.ID, searching("third", "now there is room")))
		bob, _ := person(t, s, "bob")
		must[prefs.Filter](t)(s.Filters.Save(ctx, bob.ID, searching("another person", "kernel")))
	})
}
