package rules_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/rules"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// TestConcurrentMatches lets many goroutines ask one Index about the same events; the race detector watches.
func TestConcurrentMatches(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	filters := make([]rulespec.Filter, 300)
	for i := range filters {
		filters[i] = mixedFilter(random, i)
	}
	x, broken := newIndex(filters...)
	if len(broken) > 0 {
		t.Fatal(broken[0].Err)
	}
	dir := parseDirectory(t, "packages: {package00001: {owner: [person1]}}\n")
	events := make([]*catalogue.Event, 50)
	want := make([][]rulespec.FilterID, len(events))
	for i := range events {
		events[i] = mixedEvent(random, i)
		want[i] = x.Match(mixedEventLike(events[i]), dir)
	}
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for i, e := range events {
				if got := x.Match(e, dir); !slices.Equal(got, want[i]) {
					t.Errorf("event %d: %v, want %v", i, got, want[i])
				}
				rules.Explain(rulespec.Env{}, e, dir, filters[i])
			}
		})
	}
	wait.Wait()
}

// mixedEventLike gives a fresh event with the same fields, so that what events compute once is computed by the race.
func mixedEventLike(e *catalogue.Event) *catalogue.Event {
	return eventLike(e, e.Actor+" did something with a package")
}

func eventLike(e *catalogue.Event, summary string) *catalogue.Event {
	fresh := &catalogue.Event{
		Message: e.Message, App: e.App, Kind: e.Kind, Actor: e.Actor, Users: e.Users, Packages: e.Packages,
		Severity: e.Severity,
	}
	fresh.SetProse(catalogue.Prose{Summary: summary})
	return fresh
}

func mixedFilter(random *rand.Rand, i int) rulespec.Filter {
	pkg := fmt.Sprintf("package%05d", random.IntN(20_000))
	person := fmt.Sprintf("person%d", random.IntN(5_000))
	f := rulespec.Filter{ID: rulespec.FilterID(i + 1), Owner: person}
	switch random.IntN(10) {
	case 0, 1, 2:
		f.Rules = []rulespec.Rule{rule("package", "name", pkg), not(rule("actor", "name", "@me"))}
	case 3, 4:
		f.Rules = []rulespec.Rule{rule("user", "name", "@me"), not(rule("actor", "name", "@me"))}
	case 5, 6:
		f.Rules = []rulespec.Rule{rule("owner", "user", "@me"), rule("app", "name", fmt.Sprintf("app%d", random.IntN(40)))}
	case 7:
		kind := fmt.Sprintf("app%d.done", random.IntN(40))
		f.Rules = []rulespec.Rule{rule("kind", "name", kind), rule("severity", "least", "error")}
	case 8:
		f.Rules = []rulespec.Rule{rule("package", "name", pkg[:10]+"*")}
	case 9:
		f.Rules = []rulespec.Rule{rule("regex", "pattern", `word`+pkg+`\b`)}
	}
	return f
}

func mixedEvent(random *rand.Rand, i int) *catalogue.Event {
	app := random.IntN(40)
	person := fmt.Sprintf("person%d", random.IntN(5_000))
	e := &catalogue.Event{
		Message: &bus.Message{
			Topic: fmt.Sprintf("org.example.prod.app%d.done", app), Body: map[string]any{"n": i, "text": benchText},
		},
		App: fmt.Sprintf("app%d", app), Kind: fmt.Sprintf("app%d.done", app),
		Actor: person, Users: []string{person}, Packages: []string{fmt.Sprintf("package%05d", random.IntN(20_000))},
		Severity: catalogue.Info,
	}
	e.SetProse(catalogue.Prose{Summary: person + " did something with a package"})
	return e
}

var benchText = func() string {
	random := rand.New(rand.NewPCG(3, 4))
	text := ""
	for len(text) < 2_500 {
		text += fmt.Sprintf("word%d ", random.IntN(1000))
	}
	return text
}()
