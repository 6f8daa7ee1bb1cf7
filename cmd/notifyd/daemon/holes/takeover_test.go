package holes

import (
	"testing"
	"time"

	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
)

// TestTakeOver: two nodes on one database listen to a source by turns. Each finds again what the other one left, and
// opens a hole for the time in which nobody listened.
func TestTakeOver(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		relay := func(source string) bool { return source == "relay" }
		a, _ := aTracker(t, d)
		b, log := aTracker(t, d)
		take := func(h *Tracker, at time.Time) {
			t.Helper()
			h.Now = func() time.Time { return at }
			if err := h.Restore(t.Context(), d.Writer, relay, []string{"relay"}); err != nil {
				t.Fatal(err)
			}
		}
		take(a, noon)
		carry(t, a, d, withCounter(1), withCounter(2), withCounter(5), withCounter(6)) // 3 and 4 are lost
		if open := a.Of("relay").Open(); len(open) != 1 || open[0].Missing != 2 {
			t.Fatalf("open are %+v", open)
		}
		a.Leave(relay)
		if open := a.Of("relay").Open(); len(open) != 0 {
			t.Errorf("who has left still fills %+v", open)
		}
		take(b, noon.Add(time.Minute))
		open := b.Of("relay").Open()
		if len(open) != 2 || open[0].Missing != 2 || !open[1].Unbounded() || !open[1].Since.Equal(noon) {
			t.Fatalf("open after the takeover are %+v, want the hole of before and one since the last message", open)
		}
		carry(t, b, d, withCounter(9), withCounter(10)) // 7 and 8 fell into the gap between two holders
		if _, _, err := b.Of("relay").Close(t.Context(), open[0]); err != nil {
			t.Fatal(err)
		}
		b.Leave(relay)
		take(a, noon.Add(2*time.Minute))
		for _, hole := range a.Of("relay").Open() {
			if hole.Number == open[0].Number && hole.Missing == 2 {
				t.Errorf("a hole that another node has filled is open again: %+v", hole)
			}
		}
		var rows int64
		if err := d.Reader.Table("holes").Count(&rows).Error; err != nil || int(rows) != len(a.Of("relay").Open()) {
			t.Errorf("%d rows, open are %+v, %v; log: %s", rows, a.Of("relay").Open(), err, log)
		}
	})
}

// TestLeftBehind: a node that the database did not answer stores what it had received after another one has taken the
// source over. Where the source stands is what the other one says.
func TestLeftBehind(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		relay := func(source string) bool { return source == "relay" }
		a, _ := aTracker(t, d)
		b, _ := aTracker(t, d)
		c, _ := aTracker(t, d)
		take := func(h *Tracker) {
			t.Helper()
			if err := h.Restore(t.Context(), d.Writer, relay, nil); err != nil {
				t.Fatal(err)
			}
		}
		take(a)
		carry(t, a, d, withCounter(1), withCounter(2))
		a.Leave(relay)
		take(b)
		carry(t, b, d, withCounter(3), withCounter(6), withCounter(7), withCounter(8)) // 4 and 5 are at a
		carry(t, a, d, withCounter(4), withCounter(5))
		b.Leave(relay)
		take(c)
		carry(t, c, d, withCounter(9), withCounter(10))
		for _, hole := range c.Of("relay").Open() {
			if !hole.Unbounded() && hole.Missing != 2 {
				t.Errorf("%+v is open, though nothing but 4 and 5 was missing", hole)
			}
		}
		take(a) // and it follows the source again
		carry(t, a, d, withCounter(13), withCounter(14))
		if open := a.Of("relay").Open(); open[len(open)-1].First != 11 {
			t.Errorf("open are %+v, want 11 and 12 at the end", open)
		}
	})
}
