package outbox

import (
	"sync"
	"time"
)

// A breaker is the circuit breaker of a backend, or of one network of it (Nygard, "Release It!"). It is closed while
// the backend answers. A failure opens it: nothing is sent until the pause is over. Then it is half-open: one parcel
// goes as a probe. An answer closes the breaker; each probe that fails doubles the pause.
type breaker struct {
	mu       sync.Mutex
	open     bool
	failures int64 // in a row: the one that opened it, and the probes since
	probeAt  time.Time
	halfOpen bool // a probe is on its way, by allow
}

// allow says whether a parcel may go to the backend now. While the breaker is open, one at a time may, as a probe, once
// the pause is over; the others may come again at the time given.
func (b *breaker) allow(now time.Time, soon time.Duration) (ok bool, again time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case !b.open:
		return true, time.Time{}
	case now.Before(b.probeAt):
		return false, b.probeAt
	case b.halfOpen:
		return false, now.Add(soon)
	}
	b.halfOpen = true
	return true, time.Time{}
}

// state says whether the breaker is open, and when the next probe may go.
func (b *breaker) state() (probeAt time.Time, open bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.probeAt, b.open
}

// succeed closes the breaker: the backend answered. It reports whether it was open.
func (b *breaker) succeed() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	wasOpen := b.open
	b.open, b.failures, b.halfOpen = false, 0, false
	return wasOpen
}

// fail opens the breaker: the backend is down. Sends that were under way when it opened count as one failure: only a
// probe makes the pause longer. It reports whether the breaker was closed.
func (b *breaker) fail(now time.Time, pause func(failures int64) time.Duration) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	wasClosed := !b.open
	b.halfOpen = false
	if b.open && now.Before(b.probeAt) {
		return false
	}
	b.open = true
	b.failures++
	b.probeAt = now.Add(pause(b.failures))
	return wasClosed
}

// inconclusive ends a probe that told nothing of the backend: the next parcel may be one.
func (b *breaker) inconclusive() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.halfOpen = false
}
