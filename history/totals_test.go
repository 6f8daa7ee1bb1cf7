package history_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/migrations"
)

// TestTotals: whatever messages are added up by, the sums are the whole, and a selection is kept to.
func TestTotals(t *testing.T) {
	each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
		fill(t, s, d, 500)
		size, err := s.Size(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, by := range history.TotalsBy() {
			all, err := s.Totals(t.Context(), history.Selection{}, by)
			if err != nil {
				t.Fatal(err)
			}
			var sum history.Size
			for _, one := range all {
				sum.Messages, sum.Bytes = sum.Messages+one.Messages, sum.Bytes+one.Bytes
			}
			if sum != size {
				t.Errorf("by %s: %+v in all, want %+v", by, sum, size)
			}
		}
		categories, err := s.Categories(t.Context())
		if err != nil || len(categories) < 2 || !slices.IsSorted(categories) {
			t.Fatalf("categories %q, %v", categories, err)
		}
		sel := history.Selection{Categories: history.Choice{Any: categories[:1]}}
		n, err := s.CountSelected(t.Context(), sel)
		if err != nil {
			t.Fatal(err)
		}
		some, err := s.Totals(t.Context(), sel, "category")
		if err != nil || len(some) != 1 || some[0].Name != categories[0] || some[0].Messages != n {
			t.Errorf("%+v, %v; want %d of %s", some, err, n, categories[0])
		}
		for _, sel := range []history.Selection{
			{Users: anyOf("user1")}, {Actors: anyOf("user1"), Packages: history.Choice{None: []string{"package1"}}},
			{Topics: history.Choice{None: []string{"org.example.prod.app1.thing"}}, Categories: sel.Categories},
			{Categories: history.Choice{Any: categories[:1], None: categories[:1]}}, {Until: noon.Add(-time.Hour)},
		} {
			want, err := s.CountSelected(t.Context(), sel)
			if err != nil {
				t.Fatal(err)
			}
			all, err := s.Totals(t.Context(), sel, "kind")
			for _, one := range all {
				want -= one.Messages
			}
			if err != nil || want != 0 {
				t.Errorf("%+v: %d messages are missing in %+v, %v", sel, want, all, err)
			}
		}
		if _, err := s.Totals(t.Context(), sel, "payload"); err == nil {
			t.Error("added up by the payload")
		}
	})
}

// TestWalkGoesOn: a walk that begins after a message gives the rest, and nothing above an id.
func TestWalkGoesOn(t *testing.T) {
	each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
		fill(t, s, d, 300)
		walk := func(sel history.Selection) (all []history.Record) {
			t.Helper()
			if err := s.Walk(t.Context(), sel, func(r history.Record) bool { all = append(all, r); return true }); err != nil {
				t.Fatal(err)
			}
			return all
		}
		for _, oldest := range []bool{true, false} {
			all := walk(history.Selection{OldestFirst: oldest})
			at, err := s.Place(t.Context(), all[120].MsgID)
			if err != nil {
				t.Fatal(err)
			}
			rest := walk(history.Selection{OldestFirst: oldest, After: at})
			if len(all) != 300 || len(rest) != 179 || rest[0].MsgID != all[121].MsgID {
				t.Errorf("%d, and %d after the 121st", len(all), len(rest))
			}
			for _, r := range walk(history.Selection{OldestFirst: oldest, UpTo: 200}) {
				if r.ID > 200 {
					t.Errorf("message %d", r.ID)
				}
			}
		}
		if _, err := s.Place(t.Context(), "none"); !errors.Is(err, history.ErrNotFound) {
			t.Errorf("place of nothing: %v", err)
		}
	})
}
