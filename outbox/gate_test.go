package outbox

import (
	"slices"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
)

// TestGateHoldsAndSilences: what a Gate holds is sent later, in one digest, and says why; what it drops is never sent,
// and says why too.
func TestGateHoldsAndSilences(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		c := newClock()
		until := c.now().Add(8 * time.Hour)
		gate := func(_ *gorm.DB, now time.Time, candidates []Candidate) ([]Answer, error) {
			all := make([]Answer, len(candidates))
			for i, candidate := range candidates {
				for _, n := range candidate.Notices {
					r := Ruling{}
					switch {
					case n.ID == "m3":
						r.Drop = "muted"
					case n.ID != "m4" && now.Before(until):
						r.Until, r.Hold = until, "quiet"
					}
					all[i].Rulings = append(all[i].Rulings, r)
				}
			}
			return all, nil
		}
		o := open(d, Config{Gate: gate}, c.now, 1)
		for _, id := range []string{"m1", "m2", "m3", "m4"} {
			one := delivery(id, "7", c.now())
			one.Notice.ID = id
			add(t, o, one)
		}
		var went []string
		for range 8 {
			if got := take(t, o); got != nil {
				went = append(went, messages(got)...)
				complete(t, o, got, nil)
			}
		}
		if !slices.Equal(went, []string{"m4"}) {
			t.Fatalf("went %v, want m4 alone", went)
		}
		entries, err := o.Find(t.Context(), Query{})
		if err != nil || len(entries) != 4 {
			t.Fatalf("%d entries, %v", len(entries), err)
		}
		if e := entries[1]; !e.Silenced() || e.LastError != "silenced: muted" {
			t.Errorf("m3 is %s: %q", e.State, e.LastError)
		}
		if e := entries[3]; e.State != Waiting || e.Hold != "quiet" || !e.DueAt.Equal(until) {
			t.Errorf("m1 is %s, held by %q until %v", e.State, e.Hold, e.DueAt)
		}
		c.pass(8 * time.Hour)
		if got := take(t, o); got == nil || !slices.Equal(messages(got), []string{"m1", "m2"}) {
			t.Errorf("after the hold went %v, want one digest", got)
		}
	})
}
