package outbox

import (
	"sync"
	"time"
)

// A breaker holds back a backend, or one network of it, while that is down: after a failure it waits, then lets one
// probe through; the pause doubles with each probe that fails.
type breaker struct {
	mu      sync.Mutex
	down    bool
	failed  int64 // probes in a row, the first failure included
	probeAt time.Time
	probing bool // by admit
}

// admit says whether a parcel may go to the backend now. While it is down, one at a time may, as a probe; the others
// may come again at the time given.
func (b *breaker) admit(now time.Time, soon time.Duration) (ok bool, again time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case !b.down:
		return true, time.Time{}
	case now.Before(b.probeAt):
		return false, b.probeAt
	case b.probing:
		return false, now.Add(soon)
	}
	b.probing = true
	return true, time.Time{}
}

// ended says that a send is over that said nothing of the backend.
func (b *breaker) ended() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.probing = false
}

// pause says whether the backend is down, and when the next probe may go.
func (b *breaker) pause() (probeAt time.Time, down bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.probeAt, b.down
}

// up says that the backend answered. It reports whether that is news.
func (b *breaker) up() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	news := b.down
	b.down, b.failed, b.probing = false, 0, false
	return news
}

// fail says that the backend is down. Sends that were in hand when it went down count as one failure: only a probe
// makes the pause longer. It reports whether it is news that the backend is down.
func (b *breaker) fail(now time.Time, pause func(failed int64) time.Duration) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	news := !b.down
	b.probing = false
	if b.down && now.Before(b.probeAt) {
		return false
	}
	b.down = true
	b.failed++
	b.probeAt = now.Add(pause(b.failed))
	return news
}
