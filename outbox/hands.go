package outbox

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// hands are the parcels that a pool has claimed, until what came of them is written down. While all workers are busy
// the next parcels are claimed already: as many as will be sent in a moment, by what was sent lately. So workers do not
// wait for the database, and one transaction claims many.
type hands struct {
	width func() int // workers that are of use now

	mu        sync.Mutex
	waiting   []claim // for a worker, the oldest first
	workers   int
	leases    map[string]int // how many parcels under each lease
	all       int
	recording sync.WaitGroup // counts all

	renewed time.Time // when the last renewal of all leases began that was made

	careful  bool // a process went away while it was sending what was claimed last
	ended    int  // since measured
	measured time.Time
	rate     float64 // parcels a second
	ahead    int     // how many are claimed ahead
}

const (
	aheadFor    = 150 * time.Millisecond // what is sent in this time is claimed ahead
	aheadMost   = 256
	measureEach = 100 * time.Millisecond
	handsMost   = 1024 // parcels, with those that wait for a commit
)

// room is how many parcels may be claimed now; 0 while enough are in hand. While the backend is down one goes at a
// time, as a probe. One goes at a time too as long as parcels come back from a process that went away: if one of them
// ended it, the attempt counts for none of the others.
func (h *hands) room(now time.Time, down bool) int {
	width := h.width()
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.careful || down {
		return max(0, 1-h.all)
	}
	h.measure(now)
	h.ahead = min(int(h.rate*aheadFor.Seconds()), aheadMost)
	if len(h.waiting) > h.ahead/2 {
		return 0
	}
	unsent := len(h.waiting) + h.workers
	return max(0, min(width+h.ahead-unsent, handsMost-h.all))
}

// measure keeps the rate at which parcels end.
func (h *hands) measure(now time.Time) {
	passed := now.Sub(h.measured)
	if passed < 0 || passed > time.Minute { // the clock was set, or nothing was to be done
		h.measured, h.ended, h.rate = now, 0, 0
		return
	}
	if passed >= measureEach {
		h.rate = (h.rate + float64(h.ended)/passed.Seconds()) / 2
		h.measured, h.ended = now, 0
	}
}

// add takes claims in hand that were asked for at now.
func (h *hands) add(claims []claim, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(claims) > 0 {
		h.careful = slices.ContainsFunc(claims, func(c claim) bool { return c.redelivered })
	}
	for _, c := range claims {
		h.leases[c.lease]++
		c.since = now
		h.waiting = append(h.waiting, c)
	}
	h.all += len(claims)
	h.recording.Add(len(claims))
}

// hire counts so many more workers as are of use for what waits, and gives their number.
func (h *hands) hire() int {
	width := h.width()
	h.mu.Lock()
	defer h.mu.Unlock()
	more := max(0, min(width-h.workers, len(h.waiting)))
	h.workers += more
	return more
}

// next gives a worker its next parcel; false when the worker is of no use any more, and not counted from now on. few
// says that it is time to claim more.
func (h *hands) next() (c claim, ok, few bool) {
	width := h.width()
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.waiting) == 0 || h.workers > width {
		h.workers--
		return claim{}, false, true
	}
	c = h.waiting[0]
	h.waiting = h.waiting[1:]
	return c, true, len(h.waiting) == h.ahead/2
}

// recorded is called when what came of a parcel is written down, or cannot be.
func (h *hands) recorded(c claim) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.leases[c.lease]--; h.leases[c.lease] == 0 {
		delete(h.leases, c.lease)
	}
	h.all--
	h.ended++
	h.recording.Done()
}

// empty takes out what waits for a worker.
func (h *hands) empty() []claim {
	h.mu.Lock()
	defer h.mu.Unlock()
	claims := h.waiting
	h.waiting = nil
	return claims
}

// oldest is since when the first parcel waits for a worker; far in the future where none does.
func (h *hands) oldest() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.waiting) == 0 {
		return time.Unix(1<<40, 0)
	}
	return h.waiting[0].since
}

func (h *hands) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.all
}

// heldLeases are those that are renewed and not claimed again.
func (h *hands) heldLeases() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Collect(maps.Keys(h.leases))
}

// renewedAt notes that a renewal of all leases was made, which began then.
func (h *hands) renewedAt(began time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.renewed = began
}

// holds reports whether a parcel is under its lease for sure. Where the database does not answer another node may have
// it: what was claimed ahead is not sent then. A renewal may have left its queue out, but not two in a row.
func (h *hands) holds(c claim, now time.Time, lease time.Duration) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	since := c.since
	if h.renewed.After(since) {
		since = h.renewed
	}
	return now.Sub(since) < lease/2
}
