package rules_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/notifyd/notifyd/rules"
	"github.com/notifyd/notifyd/rulespec"
)

// TestChangesAreWhole changes filters while many match: one that moves about in the index is always found and once, and
// of two that take turns there is always one.
func TestChangesAreWhole(t *testing.T) {
	x := rules.NewIndex(rulespec.Env{})
	places := [][]rulespec.Rule{
		{rule("app", "name", "git")},
		{rule("package", "name", "bash"), not(rule("user", "name", "dave"))},
		{rule("regex", "pattern", "pushed"), rule("severity", "least", "info")},
		{{Kind: "everything"}, not(rule("topic", "pattern", "*.wiki.*"))},
	}
	moving := func(i int) rules.Change {
		return rules.Change{Filter: rulespec.Filter{ID: 1, Owner: "alice", Rules: places[i%len(places)]}}
	}
	turn := func(id rulespec.FilterID, i int) rules.Change {
		c := put(int(id), "bob", places[i%len(places)]...)
		c.Gone = i%2 != int(id%2)
		return c
	}
	x.Apply(moving(0), turn(2, 0), turn(3, 0))
	e := event("org.example.prod.git.push", "git", "alice", []string{"alice"}, "bash")
	e.Severity = 30
	var done atomic.Bool
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for !done.Load() {
				if got := x.Match(eventLike(e, "alice pushed"), nil); len(got) != 2 || got[0] != 1 {
					t.Errorf("Match = %v, want 1 and one of 2 and 3", got)
					return
				}
			}
		})
	}
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 3000 {
		crowd := put(10+i%500, fmt.Sprint("p", i), rule("package", "name", fmt.Sprintf("z%d*", random.IntN(1000))))
		x.Apply(moving(i), turn(2, i), turn(3, i), crowd)
	}
	done.Store(true)
	readers.Wait()
}

// TestResultKeeps wants a Result to stay what it was when its filters change.
func TestResultKeeps(t *testing.T) {
	x := rules.NewIndex(rulespec.Env{})
	var all []rules.Change
	for i := range 5000 {
		all = append(all, put(i+1, fmt.Sprint(i%700), rule("app", "name", "git")))
	}
	x.Apply(all...)
	var r rules.Result
	x.Find(&r, event("git", "git", "", nil), nil)
	before := r.AppendTo(nil)
	for i := range all {
		all[i].Gone = i%3 > 0
		all[i].Filter.Owner += "x"
	}
	x.Apply(all...)
	if after := r.AppendTo(nil); len(before) != 5000 || !slices.Equal(before, after) {
		t.Errorf("a result of %d filters became one of %d", len(before), len(after))
	}
}
