package daemon

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
)

// A followed is a filter that changes all the time: it is on its package after an even number of changes.
type followed struct {
	mu             sync.Mutex
	begun, changed int
}

// state gives how many changes have begun, and how many were committed.
func (f *followed) state() (begun, changed int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.begun, f.changed
}

// TestNodesFollowFiltersUnderChange: two nodes route while somebody changes filters on a third, and now and then the
// log of changes is cut, so that everything is read again. What was committed before a message counts for it, on each
// node, and what came after it does not.
func TestNodesFollowFiltersUnderChange(t *testing.T) {
	const filters, changes, each = 6, 150, 120
	dsn := migratest.Postgres(t)
	first, alice, list, _ := aRouter(t, migratest.Open(t, dsn), about("p0", false), about("p1", false),
		about("p2", false), about("p3", false), about("p4", false), about("p5", false))
	second, _ := anotherRouter(t, migratest.Open(t, dsn))
	third := migratest.Open(t, dsn)
	var states [filters]followed
	var mu sync.Mutex
	due := map[string]bool{} // messages of which it is known whether they are owed
	var all sync.WaitGroup
	for node, r := range []*router{first, second} {
		all.Go(func() {
			for k := range each {
				i := (k + node) % filters
				id := fmt.Sprintf("m%d-%d", node, k)
				_, before := states[i].state()
				if err := r.persist(t.Context(), []bus.Frame{push(id, fmt.Sprint("p", i))}); err != nil {
					t.Error(err)
					return
				}
				if after, _ := states[i].state(); before == after {
					mu.Lock()
					due[id] = before%2 == 0
					mu.Unlock()
				}
			}
		})
	}
	store := openPrefs(third)
	for n := range changes {
		i := n % filters
		s := &states[i]
		s.mu.Lock()
		s.begun++
		s.mu.Unlock()
		f := list[i]
		f.Rules = about([]string{fmt.Sprint("p", i), "elsewhere"}[s.begun%2], false).Rules
		saved, err := store.Filters.Save(t.Context(), alice.ID, f)
		if err != nil {
			t.Fatal(err)
		}
		list[i] = saved
		s.mu.Lock()
		s.changed++
		s.mu.Unlock()
		if n%50 == 49 {
			cutLog(t, third)
		}
	}
	all.Wait()
	owed := strings.Fields(owedTo(t, third))
	got := map[string]bool{}
	for _, id := range owed {
		got[id] = true
	}
	yes := 0
	for id, want := range due {
		if got[id] != want {
			t.Errorf("%s is owed: %v, want %v", id, got[id], want)
		}
		if want {
			yes++
		}
	}
	if len(due) < each || yes == 0 || yes == len(due) {
		t.Errorf("%d messages tell something, %d of them are owed: too few to show anything", len(due), yes)
	}
	t.Logf("%d of %d messages were routed beside no change of their filter; %d of these are owed", len(due), 2*each, yes)
}

// cutLog forgets all changes but the last.
func cutLog(t *testing.T, d *migrations.DB) {
	t.Helper()
	err := d.Writer.Exec("DELETE FROM changes WHERE revision < (SELECT max(revision) FROM changes)").Error
	if err != nil {
		t.Fatal(err)
	}
}
