package daemon

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/cmd/notifyd/daemon/storms"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs/surge"
)

// counting gives a router a tracker of surges.
func counting(r *router) {
	r.surges = &storms.Surges{Tracker: surge.New(surge.Config{}), Subscriptions: r.subscriptions, Now: r.now, Log: r.log,
		Begun: prometheus.NewCounter(prometheus.CounterOpts{Name: "x"})}
}

// pushes routes n pushes, some in one batch.
func pushes(t *testing.T, r *router, name string, n, batch int) {
	t.Helper()
	for i := 0; i < n; i += batch {
		var frames []bus.Frame
		for j := i; j < min(i+batch, n); j++ {
			frames = append(frames, push(fmt.Sprintf("%s%d", name, j), "bash"))
		}
		if err := r.persist(t.Context(), frames); err != nil {
			t.Fatal(err)
		}
	}
}

// TestSurgeIsFolded: a filter that suddenly has many times more goes together from the tenth notice on, on every node
// and after a restart too; when it is over, that is said once.
func TestSurgeIsFolded(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		r, _, filters, log := aRouter(t, d, about("bash", false))
		old := r.now().Add(-30 * 24 * time.Hour).UnixMicro()
		if err := d.Writer.Exec("UPDATE filters SET updated_at = ?", old).Error; err != nil {
			t.Fatal(err)
		}
		now := r.now()
		clock := func() time.Time { return now }
		r.now = clock
		counting(r)
		pushes(t, r, "a", 9, 3)
		holds := func() (alone, folded int, last string) {
			entries, err := r.outbox.Find(t.Context(), outbox.Query{})
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range entries {
				if e.Together {
					folded++
				} else {
					alone++
				}
			}
			return alone, folded, entries[0].Hold
		}
		if alone, folded, _ := holds(); alone != 9 || folded != 0 {
			t.Fatalf("below the floor %d go alone, %d together", alone, folded)
		}
		pushes(t, r, "b", 30, 30)
		alone, folded, hold := holds()
		if alone != 9 || folded != 30 || !strings.HasPrefix(hold, "surge 39 0 10m0s About bash") {
			t.Errorf("%d go alone, %d together by %q, want 9 and 30", alone, folded, hold)
		}
		if n := strings.Count(log.String(), "many times more"); n != 1 {
			t.Errorf("the log says it %d times", n)
		}
		other, _ := anotherRouter(t, d) // another node, or the next start
		other.now = clock
		counting(other)
		now = now.Add(time.Minute)
		pushes(t, other, "c", 5, 1)
		if alone, folded, _ = holds(); alone != 9 || folded != 35 {
			t.Errorf("on the other node: %d go alone, %d together, want 9 and 35", alone, folded)
		}
		now = now.Add(time.Hour)
		pushes(t, r, "d", 3, 1)
		if alone, folded, hold = holds(); alone != 12 || folded != 35 || hold != "" {
			t.Errorf("when it is over %d go alone, %d together", alone, folded)
		}
		said := 0
		entries, _ := r.outbox.Find(t.Context(), outbox.Query{})
		for _, e := range entries {
			if e.Hold == "usual About bash" {
				said++
			}
		}
		if said != 1 {
			t.Errorf("the end is said %d times", said)
		}
		known, _, err := surge.Read(d.Reader, []uint64{uint64(filters[0].ID)})
		if err != nil || len(known) != 0 {
			t.Errorf("after the surge %v is kept, %v", known, err)
		}
	})
}
