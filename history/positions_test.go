package history_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/gaps"
	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/migrations"
)

func savePlaces(t *testing.T, s *history.Store, d *migrations.DB, places ...history.Place) {
	t.Helper()
	err := d.Writer.WithContext(t.Context()).Transaction(func(tx *gorm.DB) error { return s.SavePlaces(tx, places) })
	if err != nil {
		t.Fatal(err)
	}
}

func TestPlacesComeBack(t *testing.T) {
	each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
		all := gaps.Position{Received: noon, ID: "2026-2", Numbers: []int64{17, 3}}
		git := gaps.Position{Publisher: "user git org.example.dev.git", Received: noon, ID: "2026-1", Numbers: []int64{9}}
		wiki := gaps.Position{Publisher: "user wiki a.b.c.d", Received: noon.Add(-time.Hour), ID: "2026-0"}
		hole := bus.Hole{Number: 1, Publisher: git.Publisher, First: 4, Last: 8, Missing: 5, Since: noon, Until: noon}
		other := bus.Hole{Number: 2, Sequence: true, First: 1, Since: noon, Until: noon}
		savePlaces(t, s, d,
			history.Place{Source: "relay", Positions: []gaps.Position{git, all, wiki}, Holes: []bus.Hole{hole, other}},
			history.Place{Source: "debian", Positions: []gaps.Position{all}})
		git.Numbers, git.Received = []int64{10, 9}, noon.Add(time.Minute)
		savePlaces(t, s, d, history.Place{
			Source: "relay", Positions: []gaps.Position{git, {Publisher: wiki.Publisher}}, Closed: []int64{2},
		})

		got, err := s.Places(t.Context())
		want := []history.Place{
			{Source: "debian", Positions: []gaps.Position{all}},
			{Source: "relay", Positions: []gaps.Position{all, git}, Holes: []bus.Hole{hole}},
		}
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("Places = %+v, %v\nwant %+v", got, err, want)
		}
		hole.First, hole.Since = 6, noon.Add(time.Second)
		for _, narrowed := range []bus.Hole{hole, other} { // the other is not there any more, and does not come back
			if err := s.NarrowHole(t.Context(), "relay", narrowed); err != nil {
				t.Fatal(err)
			}
		}
		if got, err = s.Places(t.Context()); err != nil || !reflect.DeepEqual(got[1].Holes, []bus.Hole{hole}) {
			t.Errorf("after NarrowHole: %+v, %v", got[1].Holes, err)
		}
		if err := s.DeleteHole(t.Context(), "relay", 1); err != nil {
			t.Fatal(err)
		}
		if got, err = s.Places(t.Context()); err != nil || len(got[1].Holes) > 0 {
			t.Errorf("after DeleteHole: %+v, %v", got[1].Holes, err)
		}
		if err := s.ForgetPlaces(t.Context(), noon.Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		if got, err = s.Places(t.Context()); err != nil || len(got) != 1 || len(got[0].Positions) != 1 {
			t.Errorf("after ForgetPlaces: %+v, %v", got, err)
		}
	})
}

// TestHostilePublishers stores names that PostgreSQL would refuse together with their whole batch.
func TestHostilePublishers(t *testing.T) {
	each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
		for _, name := range []string{"user \x00 \xff", "user " + strings.Repeat("ü", 5000)} {
			p := gaps.Position{Publisher: name, Received: noon, ID: name, Numbers: []int64{1<<63 - 1}}
			savePlaces(t, s, d, history.Place{Source: "relay", Positions: []gaps.Position{p, p}})
		}
		if got, err := s.Places(t.Context()); err != nil || len(got) != 1 || len(got[0].Positions) != 2 {
			t.Errorf("Places = %+v, %v", got, err)
		}
	})
}
