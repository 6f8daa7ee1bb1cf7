package outbox

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/backends"
)

// pause.go is about what does not take anything for a while: a backend, or one network of it, that is down; and a
// person who is away.

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

// maxAsleep bounds the addresses that are remembered.
const maxAsleep = 10_000

// sleepers are the destinations that wait (backends.Wait), by backend and address. They are kept in memory: what is
// forgotten goes when its time has come, which is soon enough.
type sleepers struct {
	mu   sync.Mutex
	keys map[[2]string][]string
}

// add notes that a destination waits.
func (s *sleepers) add(backend, address, destination string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.keys == nil || len(s.keys) >= maxAsleep {
		s.keys = map[[2]string][]string{}
	}
	key := [2]string{backend, address}
	if list := s.keys[key]; !slices.Contains(list, destination) {
		s.keys[key] = append(list, destination)
	}
}

// take gives the destinations that wait for an address, and forgets them.
func (s *sleepers) take(backend, address string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := [2]string{backend, address}
	defer delete(s.keys, key)
	return s.keys[key]
}

// Wake makes due what waits for an address since its person was away.
func (o *Outbox) Wake(ctx context.Context, backend, address string) error {
	for _, destination := range o.asleep.take(backend, address) {
		err := o.writer.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
			queues, err := o.lockQueues(tx, []Delivery{{Backend: backend, Destination: destination}})
			if err != nil {
				return err
			}
			now := stamp(o.shared())
			for _, q := range queues {
				err := tx.Exec(`UPDATE deliveries SET due_at = ? WHERE lane = ? AND state = ? AND settled_at = 0
					AND hold IN ? AND due_at > ?`, now, q.ID, Waiting,
					[]string{backends.HeldAway, backends.HeldBarred}, now).Error
				if err != nil {
					return err
				}
				q.ready(now)
			}
			return saveQueues(tx, queues)
		})
		if err != nil {
			return fmt.Errorf("wake a destination: %w", err)
		}
		o.Notify()
	}
	return nil
}
