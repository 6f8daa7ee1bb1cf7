package outbox

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
)

// TestAnAddressMayHaveToWait: no attempt is counted and nothing is lost. What waits goes as one digest when its time
// has come, or as soon as its person is back. Account mail keeps its parcel.
func TestAnAddressMayHaveToWait(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		c := newClock()
		o := open(d, Config{MaxAttempts: 2}, c.now, 1)
		away := &backends.Wait{For: time.Hour, Hold: backends.HeldAway, Err: errors.New("not online")}
		for _, id := range []string{"m1", "m2"} {
			add(t, o, delivery(id, "7", c.now()))
			for range 4 { // more often than MaxAttempts
				got := take(t, o)
				if got == nil {
					break
				}
				complete(t, o, got, away)
				c.pass(time.Hour)
			}
		}
		c.pass(-time.Hour)
		code := delivery("code", Account+"irc:bob@net", c.now())
		add(t, o, code)
		first := take(t, o)
		complete(t, o, first, &backends.Wait{For: time.Minute, Hold: backends.HeldInTurn, Err: errors.New("others")})
		entries, err := o.Find(t.Context(), Query{Destinations: []string{"7"}})
		if err != nil || len(entries) != 2 {
			t.Fatalf("%d entries, %v", len(entries), err)
		}
		for _, e := range entries {
			if e.State != Waiting || e.Attempts != 0 || e.Hold != "away" || e.LastError != "not online" ||
				!e.DueAt.After(c.now()) {
				t.Errorf("%+v", e)
			}
		}
		c.pass(2 * time.Minute)
		again := take(t, o)
		if again == nil || again.parcel != first.parcel {
			t.Errorf("the code comes as %+v, want the same parcel", again)
		}
		complete(t, o, again, nil)
		if got := take(t, o); got != nil {
			t.Fatalf("%v went while it had to wait", messages(got))
		}
		o.asleep.add("mail", entries[0].Address, "7")
		for range 2 { // the second has nothing to do
			if err := o.Wake(t.Context(), "mail", entries[0].Address); err != nil {
				t.Fatal(err)
			}
		}
		if got := take(t, o); got == nil || !slices.Equal(messages(got), []string{"m1", "m2"}) {
			t.Errorf("after the return went %v, want one digest", got)
		}
	})
}
