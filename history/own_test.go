package history_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/migrations"
)

// TestOwnMessages: what is added up while it waits, what is given out, and until when.
func TestOwnMessages(t *testing.T) {
	each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
		add := func(all ...history.Own) {
			t.Helper()
			if err := d.Writer.Transaction(func(tx *gorm.DB) error { return s.AddOwn(tx, all) }); err != nil {
				t.Fatal(err)
			}
		}
		take := func(before int, want ...string) []history.Own {
			t.Helper()
			all, err := s.TakeOwn(t.Context(), []string{"changed"}, noon.Add(time.Duration(before)*time.Minute), 100)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, o := range all {
				got = append(got, fmt.Sprint(o.Event, " ", o.Subject, " ", o.Body, " ", o.Times))
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("taken %q, want %q", got, want)
			}
			return all
		}
		add()
		alice := history.Own{Event: "changed", Subject: "alice", Body: "1"}
		add(alice, history.Own{Event: "silent", Subject: "git", Body: "2"}, alice)
		for range 5 {
			add(alice)
		}
		failed := errors.New("failed")
		if err := d.Writer.Transaction(func(tx *gorm.DB) error {
			return errors.Join(s.AddOwn(tx, []history.Own{{Event: "silent", Subject: "undone"}}), failed)
		}); !errors.Is(err, failed) {
			t.Fatal(err)
		}
		take(59, "silent git 2 1") // alice may change more
		all := take(60, "changed alice 1 7", "silent git 2 1")
		if !all[0].Made.Equal(noon.Add(time.Hour)) {
			t.Errorf("made at %v", all[0].Made)
		}
		add(alice)
		take(59, "changed alice 1 7", "silent git 2 1")
		take(60, "changed alice 1 7", "silent git 2 1", "changed alice 1 1")
		if err := s.ForgetOwn(t.Context(), []int64{all[0].ID, all[1].ID}); err != nil {
			t.Fatal(err)
		}
		take(60, "changed alice 1 1")
	})
}

func TestPaces(t *testing.T) {
	each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
		git := history.Pace{What: "service", Under: "org.example.prod", Name: "git", Heard: noon, Record: "x"}
		hub := history.Pace{What: "endpoint", Name: "hub", Silent: noon, Lost: true}
		later := git
		later.Heard, later.Record = noon.Add(time.Hour), "y"
		for _, all := range [][]history.Pace{nil, {git, hub}, {later}} {
			if err := d.Writer.Transaction(func(tx *gorm.DB) error { return s.SavePaces(tx, all) }); err != nil {
				t.Fatal(err)
			}
		}
		got, err := s.Paces(t.Context(), 10)
		if want := []history.Pace{hub, later}; err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%v, error %v; want %v", got, err, want)
		}
		err = d.Writer.Transaction(func(tx *gorm.DB) error { return s.DeletePaces(tx, []history.Pace{git}) })
		got, err2 := s.Paces(t.Context(), 10)
		if err != nil || err2 != nil || fmt.Sprint(got) != fmt.Sprint([]history.Pace{hub}) {
			t.Errorf("%v, errors %v, %v", got, err, err2)
		}
	})
}
