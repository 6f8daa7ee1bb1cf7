package report_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/notifyd/notifyd/history/readers"
	"github.com/notifyd/notifyd/history/report"
	"github.com/notifyd/notifyd/migrations/migratest"
)

// TestDeskMakesOnce: visitors who come at once share one run, one who leaves stops it for nobody, and what was made is
// shown until it is old.
func TestDeskMakesOnce(t *testing.T) {
	a := newArchive(t, migratest.Copy(t))
	builds(a)
	a.now = monday.AddDate(0, 0, 7).Add(time.Hour)
	desk, r := a.desk(), builtIn(t, "this-week")
	left, leave := context.WithCancel(t.Context())
	leave()
	if _, err := desk.Window(left, r, readers.Sources{}, monday); err == nil {
		t.Log("the one who left was quick")
	}
	var all sync.WaitGroup
	made := make([]*report.Result, 20)
	for i := range made {
		all.Go(func() {
			var err error
			if made[i], err = desk.Window(t.Context(), r, readers.Sources{}, monday); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for _, m := range made {
		if m != made[0] || m.Counted != 7 {
			t.Fatalf("%p and %p: %+v", m, made[0], m)
		}
	}
	if _, err := desk.Window(t.Context(), r, readers.Sources{}, monday.Add(time.Hour)); err == nil {
		t.Error("a time that is no beginning is taken")
	}
	a.now = a.now.Add(time.Hour)
	again, err := desk.Window(t.Context(), r, readers.Sources{}, monday)
	if err != nil || again == made[0] {
		t.Errorf("an hour later: %p, %v", again, err)
	}
	starts, err := desk.Earlier(t.Context(), r, readers.Sources{}, 10)
	if err != nil || len(starts) != 3 || !starts[0].Equal(monday) {
		t.Errorf("%v, %v", starts, err)
	}
}

// TestDeskShowsNoOldEnd: what was made while its window was under way is not shown when that is over, and a title that
// says this week says so no more.
func TestDeskShowsNoOldEnd(t *testing.T) {
	a := newArchive(t, migratest.Copy(t))
	builds(a)
	desk, r := a.desk(), builtIn(t, "this-week")
	a.now = monday.AddDate(0, 0, 7).Add(-10 * time.Second)
	before, err := desk.Window(t.Context(), r, readers.Sources{}, monday)
	if err != nil || before.Finished || before.Title != "This week" {
		t.Fatalf("%+v, %v", before, err)
	}
	a.now = a.now.Add(10 * time.Second)
	after, err := desk.Window(t.Context(), r, readers.Sources{}, monday)
	if err != nil || !after.Finished || after.Title != "The week" {
		t.Errorf("%+v, %v", after, err)
	}
}
