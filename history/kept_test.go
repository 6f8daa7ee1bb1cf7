package history_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

func TestKept(t *testing.T) {
	each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
		var events []*catalogue.Event
		for i := range 10 {
			e := event(fmt.Sprintf("2026-%d", i), i, "org.example.prod.git.receive", nil, nil)
			e.Standing.Marked = i == 3
			events = append(events, e)
		}
		put(t, s, d, events...)
		at := func(second int) time.Time { return noon.Add(time.Duration(second) * time.Second) }
		large := int64(1 << 20)
		for _, c := range []struct {
			name  string
			query bus.KeptQuery
			limit int
			bytes int64
			want  string
		}{
			{"nothing", bus.KeptQuery{}, 100, large, ""},
			{"range", bus.KeptQuery{First: 2, Last: 6}, 100, large, "1 2 4 5"},
			{"marked alone", bus.KeptQuery{Numbers: []int64{4}}, 100, large, ""},
			{"the first of a range", bus.KeptQuery{First: 1, Last: 1 << 62}, 3, large, "0 1 2"},
			{"within bytes, but one", bus.KeptQuery{First: 1, Last: 99}, 100, 1, "0"},
			{"numbers", bus.KeptQuery{Numbers: []int64{9, 1, 1, 77}}, 100, large, "0 8"},
			{"ids", bus.KeptQuery{IDs: []string{"2026-7", "2026-x", "2026-0"}}, 100, large, "0 7"},
			{"time", bus.KeptQuery{Since: at(6), Until: at(8)}, 100, large, "6 7 8"},
			{"all of these", bus.KeptQuery{Numbers: []int64{1}, First: 3, Last: 3, IDs: []string{"2026-5"}, Since: at(9),
				Until: at(99)}, 100, large, "0 2 5 9"},
			{"backwards", bus.KeptQuery{First: 6, Last: 2, Since: at(8), Until: at(1)}, 100, large, ""},
		} {
			kept, err := s.Kept(t.Context(), c.query, c.limit, c.bytes)
			var got []string
			for _, k := range kept {
				got = append(got, strings.TrimPrefix(k.ID, "2026-"))
			}
			if err != nil || strings.Join(got, " ") != c.want {
				t.Errorf("%s: %v, %v, want %s", c.name, got, err, c.want)
			}
			if !slices.IsSortedFunc(kept, func(a, b bus.Kept) int { return int(a.Number - b.Number) }) {
				t.Errorf("%s: not in the order of numbers", c.name)
			}
		}
	})
}

// TestKeptByTheIDOfTheOtherBus asks for a message by the ids that two buses give it.
func TestKeptByTheIDOfTheOtherBus(t *testing.T) {
	each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
		appendAll(t, s, d, twins("ya,bB")...)
		kept, err := s.Kept(t.Context(), bus.KeptQuery{IDs: []string{forms["b"], forms["p"]}}, 100, 1<<20)
		if err != nil || len(kept) != 1 || kept[0].ID != forms["y"] || string(kept[0].Payload) != "B" {
			t.Errorf("kept are %+v, %v, want the one that has the id", kept, err)
		}
	})
}
