package prefs_test

import (
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/schedule"
	"github.com/notifyd/notifyd/prefs/surge"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// TestPlanHoldsWhatHasBegun: what has begun is held by the shortest time of the filters that reach a destination, if
// all of them hold it; what has ended drops it.
func TestPlanHoldsWhatHasBegun(t *testing.T) {
	now := newClock().now()
	const minute = time.Minute
	ten, begun := []time.Duration{10 * minute}, outbox.Pair{Thing: "update/1"}
	ended := outbox.Pair{Thing: "update/1", Ends: true, Keep: 10 * minute}
	tests := map[string]struct {
		holds    []time.Duration // of the filters
		phase    catalogue.Phase
		severity catalogue.Severity
		marked   bool
		schedule schedule.Schedule
		nothing  bool // it is about nothing
		due      time.Duration
		hold     string
		pair     outbox.Pair
	}{
		"begun": {holds: ten, phase: "started", due: 10 * minute, hold: "started 10m0s", pair: begun},
		"the shortest": {holds: []time.Duration{10 * minute, 5 * minute}, phase: "started",
			due: 5 * minute, hold: "started 5m0s", pair: begun},
		"one does not":  {holds: []time.Duration{10 * minute, 0}, phase: "started"},
		"ended":         {holds: []time.Duration{0, 10 * minute}, phase: "finished", pair: ended},
		"solved":        {holds: ten, phase: "solved", pair: ended},
		"reopened":      {holds: ten, phase: "reopened"},
		"no phase":      {holds: ten},
		"about nothing": {holds: ten, phase: "started", nothing: true},
		"critical":      {holds: ten, phase: "started", severity: catalogue.Critical},
		"a forged end":  {holds: ten, phase: "finished", marked: true},
		"a short digest": {holds: ten, phase: "started", schedule: schedule.Schedule{Every: 5 * minute},
			due: 10 * minute, hold: "started 10m0s", pair: begun},
		"a longer digest": {holds: ten, phase: "started", schedule: schedule.Schedule{Every: time.Hour},
			due: time.Hour, hold: "digest", pair: begun},
		"nobody holds it ": {holds: []time.Duration{0}, phase: "finished"},
	}
	for name, test := range tests {
		e := update()
		e.Severity = max(e.Severity, test.severity)
		e.Standing.Marked = test.marked
		e.SetPhase(test.phase)
		if test.nothing {
			e.Objects = nil
		}
		var hits []prefs.Subscription
		for i, hold := range test.holds {
			s := subscription(1, prefs.Destination{ID: 9, Backend: "email", Schedule: test.schedule})
			s.Filter.HoldStarted = hold
			s.Filter.Name += string(rune('a' + i))
			hits = append(hits, s)
		}
		got := prefs.Plan(e, hits, now, nil)[0]
		hold := got.Hold
		if hold == "" && got.Together {
			hold = "digest" // as the planner may say it
		}
		if due := got.DueAt.Sub(now); due != test.due || hold != test.hold || got.Pair != test.pair {
			t.Errorf("%s: due after %s, held by %q, %+v", name, due, hold, got.Pair)
		}
	}
}

// TestPlanFoldsSurges: a notice waits for the window of a surge where every filter that reaches the destination has
// one; a critical one does not.
func TestPlanFoldsSurges(t *testing.T) {
	now := newClock().now()
	folds := now.Add(9 * time.Minute)
	surging := surge.State{Came: 120, Usual: 11_900, Window: 10 * time.Minute, Began: now, Folds: folds}
	held := "surge 120 11900 10m0s filter 1"
	tests := map[string]struct {
		states   []surge.State
		schedule schedule.Schedule
		severity catalogue.Severity
		due      time.Time
		hold     string
		pull     int
	}{
		"one":        {states: []surge.State{surging}, due: folds, hold: held},
		"one of two": {states: []surge.State{surging, {}}, due: now},
		"both":       {states: []surge.State{surging, surging}, due: folds, hold: held},
		"critical":   {states: []surge.State{surging}, severity: catalogue.Critical, due: now},
		"over":       {states: []surge.State{{Over: true}}, due: now, hold: "usual filter 1"},
		"a digest": {states: []surge.State{surging}, schedule: schedule.Schedule{Every: time.Hour},
			due: now.Add(time.Hour), hold: "digest"},
		"a short digest": {states: []surge.State{surging}, schedule: schedule.Schedule{Every: time.Minute},
			due: now.Add(time.Minute), hold: "digest"},
		"by count": {states: []surge.State{surging}, schedule: schedule.Schedule{Count: 5}, due: folds, hold: held},
	}
	for name, test := range tests {
		e := update()
		e.Severity = max(e.Severity, test.severity)
		p := prefs.NewPlanner(e, now, nil)
		var hits []*prefs.Subscription
		for i := range test.states {
			s := subscription(1, prefs.Destination{ID: 9, Backend: "email", Schedule: test.schedule})
			s.Filter.UserID = uint(i)
			hits = append(hits, &s)
		}
		p.Surge = func(hit *prefs.Subscription) surge.State { return test.states[hit.Filter.UserID] }
		p.Add(hits)
		got := p.Deliveries()[0]
		if got.Hold == "" && got.Together {
			got.Hold = "digest"
		}
		if !got.DueAt.Equal(test.due) || got.Hold != test.hold || got.PullAt != test.pull {
			t.Errorf("%s: due after %s, held by %q, at %d", name, got.DueAt.Sub(now), got.Hold, got.PullAt)
		}
	}
}

// TestHoldStartedIsStored: with a filter and in its text, within bounds.
func TestHoldStartedIsStored(t *testing.T) {
	each(t, func(t *testing.T, s *prefs.Store, _ *migrations.DB, _ *clock) {
		alice, mail := person(t, s, "alice")
		f := packageFilter("Builds", "bash")
		f.HoldStarted = 15 * time.Minute
		saved := must[prefs.Filter](t)(s.Filters.Save(t.Context(), alice.ID, f))
		read := must[prefs.Filter](t)(s.Filters.Get(t.Context(), alice.ID, saved.ID))
		if read.HoldStarted != 15*time.Minute {
			t.Errorf("stored is %s", read.HoldStarted)
		}
		text := rulespec.Format(prefs.File([]prefs.Filter{read}, []prefs.Destination{mail}))
		file := must[rulespec.File](t)(rulespec.Parse(rulespec.Env{}, text))
		if !strings.Contains(string(text), "\n    hold_started: 15m\n") || file.Filters[0].HoldStarted != 15*time.Minute {
			t.Errorf("text is\n%s", text)
		}
		for _, wrong := range []time.Duration{time.Second, -time.Minute, 25 * time.Hour, time.Minute + 1} {
			f.HoldStarted = wrong
			_, err := s.Filters.Save(t.Context(), alice.ID, f)
			if !isInput(err) {
				t.Errorf("%s: %v", wrong, err)
			}
		}
	})
}

// TestOwnCapIsStored: a cap is stored, planned with, and bounded by the site.
func TestOwnCapIsStored(t *testing.T) {
	each(t, func(t *testing.T, s *prefs.Store, d *migrations.DB, c *clock) {
		alice, mail := person(t, s, "alice")
		bob, _ := person(t, s, "bob")
		own := outbox.Cap{Count: 5, Window: time.Hour}
		ok(t, s.Destinations.SetCap(t.Context(), alice.ID, mail.ID, own))
		want(t, s.Destinations.SetCap(t.Context(), bob.ID, mail.ID, own), prefs.ErrNotFound)
		read := must[prefs.Destination](t)(s.Destinations.Get(t.Context(), alice.ID, mail.ID))
		got := prefs.Plan(update(), []prefs.Subscription{subscription(1, read)}, c.now(), nil)[0]
		if read.Cap != own || got.Cap != own {
			t.Errorf("stored %+v, planned %+v", read.Cap, got.Cap)
		}
		for _, wrong := range []outbox.Cap{{Count: -1, Window: time.Hour}, {Count: 5}, {Window: time.Hour},
			{Count: 5, Window: time.Second}, {Count: 5, Window: 1 << 62}, {Count: 1 << 40, Window: time.Minute + 1}} {
			if err := s.Destinations.SetCap(t.Context(), alice.ID, mail.ID, wrong); !isInput(err) {
				t.Errorf("%+v: %v", wrong, err)
			}
		}
		if err := prefs.CheckCap(outbox.Cap{Count: 601, Window: time.Hour}, 600); !isInput(err) {
			t.Errorf("above the site's: %v", err)
		}
		ok(t, s.Destinations.SetCap(t.Context(), alice.ID, mail.ID, outbox.Cap{}))
	})
}
