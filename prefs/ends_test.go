package prefs_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/notifyd/notifyd/directory"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// TestEndedFiltersPlanNothing holds the planner to the moment that it is given, for subscriptions of any age: before
// the end a filter counts, from the end on it does not, and takes neither others nor their reasons with it.
func TestEndedFiltersPlanNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		end := time.UnixMicro(rapid.Int64Range(1, 4e15).Draw(t, "end"))
		now := end.Add(time.Duration(rapid.Int64Range(-3, 3).Draw(t, "off")) * time.Microsecond)
		mail := prefs.Destination{ID: 1, Backend: "email", Address: "a@example.org"}
		ends, stays := subscription(3, mail), subscription(5, mail)
		ends.Filter.Ends = end
		owed := prefs.Plan(update(), []prefs.Subscription{ends, stays}, now, nil)
		want := 2
		if !now.Before(end) {
			want = 1
		}
		if len(owed) != 1 || len(owed[0].Notice.Why) != want {
			t.Fatalf("at %v after the end: %d deliveries, reasons %v", now.Sub(end), len(owed), owed[0].Notice.Why)
		}
		alone := prefs.Plan(update(), []prefs.Subscription{ends}, now, nil)
		if len(alone) != want-1 {
			t.Fatalf("at %v after the end: %d deliveries of it alone", now.Sub(end), len(alone))
		}
	})
}

func TestNoticesSayWhatThePersonIsToThem(t *testing.T) {
	dir, err := directory.Parse([]byte("groups: {cooks: [alice, bob]}\npackages: {tea: {owner: [alice, '@cooks']}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	e := update()
	e.Packages = []string{"tea"}
	e.SetRoles(catalogue.Roles{Author: []string{"bob"}, Mentioned: []string{"alice", "carol"}})
	e.SetPhase(catalogue.PhaseSolved)
	for person, want := range map[string][]string{
		"alice": {rulespec.RelationMentioned, rulespec.RelationOwner, rulespec.RelationGroup},
		"bob":   {rulespec.RelationAuthor, rulespec.RelationGroup},
		"carol": {rulespec.RelationMentioned}, "dave": nil, "": nil,
	} {
		p := prefs.NewPlanner(e, time.Unix(0, 0), nil)
		p.Directory = dir
		hit := subscription(1, prefs.Destination{ID: 1})
		hit.Filter.Owner = person
		p.Add([]*prefs.Subscription{&hit})
		n := p.Deliveries()[0].Notice
		if !slices.Equal(n.Relations, want) || n.Phase != "solved" {
			t.Errorf("%q: relations %q, phase %q; want %q", person, n.Relations, n.Phase, want)
		}
	}
}

func TestTheEndOfAFilterIsStored(t *testing.T) {
	each(t, func(t *testing.T, s *prefs.Store, _ *migrations.DB, clock *clock) {
		alice, _ := person(t, s, "alice")
		end := clock.now().Add(time.Hour).UTC().Truncate(time.Microsecond)
		f := packageFilter("mine", "bash")
		f.Ends = end
		f = must[prefs.Filter](t)(s.Filters.Save(t.Context(), alice.ID, f))
		if got := must[prefs.Filter](t)(s.Filters.Get(t.Context(), alice.ID, f.ID)); !got.Ends.Equal(end) {
			t.Errorf("made with the end %v, and it is %v", end, got.Ends)
		}
		f.Ends = time.Time{}
		must[prefs.Filter](t)(s.Filters.Save(t.Context(), alice.ID, f))
		if got := must[prefs.Filter](t)(s.Filters.Get(t.Context(), alice.ID, f.ID)); !got.Ends.IsZero() {
			t.Errorf("the end was taken away, and it is %v", got.Ends)
		}
	})
}
