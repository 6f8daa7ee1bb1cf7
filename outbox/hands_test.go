package outbox

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/notifyd/notifyd/backends"
)

// TestNothingIsSentUnderALostLease: a node that has claimed ahead does not reach the database for longer than a lease.
// What waits in its hands may be sent by another node now: it sends none of it.
func TestNothingIsSentUnderALostLease(t *testing.T) {
	c := newClock()
	h := hands{width: func() int { return 1 }, leases: map[string]int{}}
	h.add([]claim{{lease: "a"}, {lease: "a"}}, c.now())
	first, _, _ := h.next()
	if c.pass(4 * time.Second); !h.holds(first, c.now(), 10*time.Second) {
		t.Error("a lease of 10 s is lost after 4 s")
	}
	h.renewedAt(c.now())
	if c.pass(4 * time.Second); !h.holds(first, c.now(), 10*time.Second) {
		t.Error("a lease that was renewed is lost")
	}
	second, _, _ := h.next()
	if c.pass(2 * time.Second); h.holds(second, c.now(), 10*time.Second) {
		t.Error("a lease of 10 s is sure 6 s after its renewal")
	}
}

// TestAheadIsWhatIsSentInAMoment: what is claimed ahead follows the rate, one goes at a time after a crash and as a
// probe, and nothing is claimed while enough waits.
func TestAheadIsWhatIsSentInAMoment(t *testing.T) {
	c := newClock()
	h := hands{width: func() int { return 4 }, leases: map[string]int{}}
	if n := h.room(c.now(), false); n != 4 {
		t.Errorf("room for %d at the beginning, want one for each worker", n)
	}
	for range 40 {
		h.add(make([]claim, 100), c.now())
		h.hire()
		for range 100 {
			claimed, _, _ := h.next()
			h.recorded(claimed)
		}
		for h.workers > 0 {
			h.next()
		}
		c.pass(100 * time.Millisecond)
		h.room(c.now(), false)
	}
	if n := h.room(c.now(), false); n < 140 || n > 160 {
		t.Errorf("room for %d at 1000 a second, want 150 and one for each worker", n)
	}
	if h.add(make([]claim, 100), c.now()); h.room(c.now(), false) != 0 {
		t.Error("more is claimed while two thirds of it wait")
	}
	h.empty()
	for range 100 {
		h.recorded(claim{})
	}
	h.add([]claim{{redelivered: true}}, c.now())
	if n := h.room(c.now(), false); n != 0 {
		t.Errorf("room for %d beside a parcel that may have ended a process", n)
	}
	h.empty()
	h.recorded(claim{})
	if n := h.room(c.now(), true); n != 1 {
		t.Errorf("room for %d while the backend is down, want one probe", n)
	}
}

// TestSlowResultsStopNobody: a worker sends on while what it has sent is being written down, and at a stop what waits
// is given back without an attempt.
func TestSlowResultsStopNobody(t *testing.T) {
	bubble(t, Config{Workers: 2}, func(t *testing.T, o *Outbox) {
		var mu sync.Mutex
		at := map[string]time.Time{}
		mail := &fakeBackend{answer: func(_ context.Context, p backends.Parcel) error {
			mu.Lock()
			defer mu.Unlock()
			at[p.To] = time.Now()
			return nil
		}}
		during(t, o, map[string]backends.Backend{"mail": mail}, func() {
			for i := range 20 {
				add(t, o, delivery("m", fmt.Sprint(i), time.Now()))
			}
			time.Sleep(time.Second)
			synctest.Wait()
		})
		if len(at) != 20 || mail.highest() > 2 {
			t.Errorf("%d of 20 were sent, %d at once", len(at), mail.highest())
		}
		for _, r := range all(t, o) {
			if r.State != Done || r.Attempts != 0 {
				t.Errorf("row %d is %s after %d attempts", r.ID, r.State, r.Attempts)
			}
		}
	})
}
