package rules_test

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/notifyd/notifyd/rules"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// TestConcurrentMatches lets many goroutines ask one Matcher about the same events; the race detector watches.
func TestConcurrentMatches(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	filters := make([]rulespec.Filter, 300)
	for i := range filters {
		filters[i] = mixedFilter(random, i)
	}
	m, broken := rules.Compile(filters)
	if len(broken) > 0 {
		t.Fatal(broken[0].Err)
	}
	dir := parseDirectory(t, "packages: {package00001: {owner: [person1]}}\n")
	events := make([]*catalogue.Event, 50)
	want := make([][]rulespec.FilterID, len(events))
	for i := range events {
		events[i] = mixedEvent(random, i)
		want[i] = m.Match(mixedEventLike(events[i]), dir)
	}
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for i, e := range events {
				if got := m.Match(e, dir); !slices.Equal(got, want[i]) {
					t.Errorf("event %d: %v, want %v", i, got, want[i])
				}
				m.Explain(e, dir, filters[i].ID)
			}
		})
	}
	wait.Wait()
}

// mixedEventLike gives a fresh event with the same fields, so that what events compute once is computed by the race.
func mixedEventLike(e *catalogue.Event) *catalogue.Event {
	fresh := &catalogue.Event{
		Message: e.Message, App: e.App, Kind: e.Kind, Actor: e.Actor, Users: e.Users, Packages: e.Packages, Severity: e.Severity,
	}
	fresh.SetProse(catalogue.Prose{Summary: e.Actor + " did something with a package"})
	return fresh
}
