package outbox

import (
	"errors"
	"slices"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
)

// TestDigestsOfOneDestinationAreApart: what waits for another reason and is not due stays; what is due goes along.
func TestDigestsOfOneDestinationAreApart(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		c := newClock()
		o := open(d, Config{}, c.now, 1)
		for _, one := range []struct {
			id, hold string
			in       time.Duration
			pull     int
		}{
			{"hour1", "digest every 1h", time.Hour, 0}, {"day1", "digest at 07:00", 9 * time.Hour, 3},
			{"hour2", "digest every 1h", 90 * time.Minute, 0}, {"held", "quiet", time.Hour, 0},
			{"day2", "digest at 07:00", 9 * time.Hour, 3},
		} {
			delivery := delivery(one.id, "7", c.now().Add(one.in))
			delivery.Together, delivery.Hold, delivery.PullAt = true, one.hold, one.pull
			add(t, o, delivery)
		}
		c.pass(time.Hour)
		got := take(t, o)
		if got == nil || !slices.Equal(messages(got), []string{"hour1", "hour2", "held"}) {
			t.Fatalf("after an hour went %v", messages(got))
		}
		complete(t, o, got, nil)
		if got := take(t, o); got != nil {
			t.Fatalf("went too: %v", messages(got))
		}
		third := delivery("day3", "7", c.now().Add(8*time.Hour))
		third.Together, third.Hold, third.PullAt = true, "digest at 07:00", 3
		add(t, o, third)
		if got := take(t, o); got == nil || !slices.Equal(messages(got), []string{"day1", "day2", "day3"}) {
			t.Fatalf("with the third went %v", messages(got))
		}
	})
}

// TestLead: the first goes at once, the rest at the end of the window, and each digest opens the next window.
func TestLead(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		c := newClock()
		o := open(d, Config{}, c.now, 1)
		start := c.now()
		for i, minute := range []int{0, 1, 9, 10, 19, 30, 41, 55} {
			c.pass(start.Add(time.Duration(minute) * time.Minute).Sub(c.now()))
			one := delivery(string(rune('a'+i)), "7", c.now())
			one.Lead, one.Hold, one.PullAt = 10*time.Minute, "digest", 0
			add(t, o, one)
			add(t, o, one) // again changes nothing
		}
		entries, err := o.Find(t.Context(), Query{})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range slices.Backward(entries) {
			how := " at once"
			if e.Together {
				how = " gathered"
			}
			got = append(got, e.DueAt.Sub(start).String()+how)
		}
		want := []string{"0s at once", "10m0s gathered", "10m0s gathered", "20m0s gathered", "20m0s gathered",
			"30m0s at once", "41m0s at once", "55m0s at once"}
		if !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
		c.pass(start.Sub(c.now())) // the clock is put back
		one := delivery("z", "7", c.now())
		one.Lead, one.Hold = 10*time.Minute, "digest"
		add(t, o, one)
		if e := entryOf(t, o, "z"); e.DueAt.Sub(start) > 10*time.Minute {
			t.Errorf("after the clock was put back it waits until %v", e.DueAt)
		}
	})
}

func entryOf(t *testing.T, o *Outbox, message string) Entry {
	t.Helper()
	entries, err := o.Find(t.Context(), Query{})
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(entries, func(e Entry) bool { return e.Message == message })
	if at < 0 {
		t.Fatalf("no delivery of %s", message)
	}
	return entries[at]
}

// TestGateIsNotAskedAboutWhatIsFree: until Ask is called; and what is held can be deferred, released, counted and
// silenced.
func TestGateIsNotAskedAboutWhatIsFree(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		c := newClock()
		var asked []string
		quiet := false
		o := open(d, Config{Gate: func(_ *gorm.DB, now time.Time, candidates []Candidate) ([]Answer, error) {
			answers := make([]Answer, len(candidates))
			for i, candidate := range candidates {
				asked = append(asked, candidate.Destination)
				answers[i].Free = !quiet
				for _, hold := range candidate.Holds {
					r := Ruling{}
					if quiet && hold != Asked {
						r = Ruling{Until: now.Add(time.Hour), Hold: "quiet"}
					}
					answers[i].Rulings = append(answers[i].Rulings, r)
				}
			}
			return answers, nil
		}}, c.now, 1)
		goes := func(id, destination string) bool {
			t.Helper()
			add(t, o, delivery(id, destination, c.now()))
			got := take(t, o)
			if got != nil {
				complete(t, o, got, nil)
			}
			return got != nil
		}
		if !goes("m1", "7") || !goes("m2", "7") || !goes("m3", Account+"mail:x") || !slices.Equal(asked, []string{"7"}) {
			t.Fatalf("asked about %v, want 7 once", asked)
		}
		change := func(f func(tx *gorm.DB) error) {
			t.Helper()
			if err := d.Writer.Transaction(f); err != nil {
				t.Fatal(err)
			}
		}
		quiet = true
		change(func(tx *gorm.DB) error { return o.Ask(tx, []string{"7"}) })
		if goes("m4", "7") || goes("m5", "7") || !goes("m6", Account+"mail:x") {
			t.Fatal("it went all the same")
		}
		change(func(tx *gorm.DB) error { return o.Defer(tx, []string{"7"}, c.now().Add(9*time.Hour), "pause drop") })
		n, err := o.CountHeld(t.Context(), []string{"7"}, []string{"pause drop"}, time.Time{})
		if err != nil || n[Waiting] != 2 {
			t.Errorf("%v are held, %v", n, err)
		}
		change(func(tx *gorm.DB) error {

			return o.Rehold(tx, []string{"7"}, Rehold{From: "pause drop", To: "pause", Due: c.now().Add(time.Hour)})

		})
		if err := o.SendNow(t.Context(), "7"); err != nil {
			t.Fatal(err)
		}
		got := take(t, o)
		if !slices.Equal(messages(got), []string{"m4", "m5"}) {
			t.Fatalf("sent now: %v", messages(got))
		}
		complete(t, o, got, errors.New("451 try later")) // a retry passes nothing
		if e := entryOf(t, o, "m4"); e.Hold != HeldByRetry {
			t.Errorf("after a failure the hold is %q", e.Hold)
		}
		c.pass(time.Hour)
		if got := take(t, o); got != nil {
			t.Errorf("the retry went: %v", messages(got))
		}
		change(func(tx *gorm.DB) error { return o.Release(tx, []string{"7"}, []string{"quiet"}) })
		quiet = false
		if got := take(t, o); len(messages(got)) != 2 {
			t.Errorf("released: %v", messages(got))
		}
	})
}
