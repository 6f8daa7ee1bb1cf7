package daemon

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/rulespec"
)

// searching returns a filter with a regular expression.
func searching(pattern string) prefs.Filter {
	rule := rulespec.Rule{Kind: "regex", Args: rulespec.Args{"pattern": {pattern}}}
	return prefs.Filter{Filter: rulespec.Filter{Name: "Search", Rules: []rulespec.Rule{rule}}, On: true}
}

// TestExpensiveFilterIsMarked runs a filter that costs more than a message may. Its owner learns of it, the other
// filters match, and with other rules it matches again.
func TestExpensiveFilterIsMarked(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	letters := []byte("kernel")
	for len(letters) < rulespec.MaxSearch {
		letters = append(letters, "ab"[random.IntN(2)])
	}
	long := bus.Frame{Source: "test", Topic: "org.example.test.x", Payload: []byte(
		`{"topic":"org.example.test.x","msg_id":"m1","timestamp":1795262400,"i":1,"msg":{"text":"` + string(letters) + `"}}`)}
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		r, alice, filters, log := aRouter(t, d, searching(`kernel[ab]*a[ab]{300}c`), searching(`kernel[ab]+`))
		if err := r.load(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := r.persist(t.Context(), []bus.Frame{long}); err != nil {
			t.Fatal(err)
		}
		if got := owedTo(t, d); got != "m1" {
			t.Errorf("owed %q, want m1 because of the other filter", got)
		}
		dear, err := openPrefs(d).Filters.Get(t.Context(), alice.ID, filters[0].ID)
		if err != nil || !strings.Contains(dear.Broken, "too expensive") {
			t.Errorf("the filter is not marked: %q, %v", dear.Broken, err)
		}
		if other, err := openPrefs(d).Filters.Get(t.Context(), alice.ID, filters[1].ID); err != nil || other.Broken != "" {
			t.Errorf("the other filter is marked: %q, %v", other.Broken, err)
		}
		if n := testutil.ToFloat64(r.metrics.expensive); n != 1 || testutil.ToFloat64(r.metrics.skipped) < 1 {
			t.Errorf("%v expensive, %v skipped", n, testutil.ToFloat64(r.metrics.skipped))
		}
		if !strings.Contains(log.String(), "too expensive") {
			t.Errorf("the log has %q", log)
		}
		dear.Rules = searching("package").Rules
		if _, err := openPrefs(d).Filters.Save(t.Context(), alice.ID, dear); err != nil {
			t.Fatal(err)
		}
		short := bus.Frame{Source: "test", Topic: "org.example.test.x", Payload: []byte(
			`{"topic":"org.example.test.x","msg_id":"m2","timestamp":1795262400,"i":2,"msg":{"text":"a package"}}`)}
		if err := r.persist(t.Context(), []bus.Frame{short}); err != nil {
			t.Fatal(err)
		}
		if got := owedTo(t, d); got != "m1 m2" {
			t.Errorf("owed %q, want m2 too", got)
		}
	})
}
