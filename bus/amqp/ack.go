package amqp

import (
	"sync"
	"time"
)

// An acker acknowledges the deliveries of one channel. Frames are done with in any order and by any goroutine, which
// must not wait; so done only notes that, and flush, in the session's own goroutine, tells the broker: all in one go
// that come before the first which is not done with, and the rest one by one.
type acker struct {
	ack  func(tag uint64, multiple bool) error
	more chan struct{} // has room for one: there is something to flush

	mu     sync.Mutex
	first  uint64    // the tag of states[0]
	states []state   // of each delivery from first on
	open   int       // deliveries that are not done with
	moved  time.Time // when the last one was done with, or the first of those that are open came
}

type state byte

const (
	outstanding state = iota // handed over
	done                     // done with, and the broker was not told yet
	settled                  // the broker was told
)

func newAcker(ack func(tag uint64, multiple bool) error) *acker {
	return &acker{ack: ack, more: make(chan struct{}, 1), first: 1}
}

// begin notes a delivery. Brokers number them in order, without gaps; false says that this one does not.
func (a *acker) begin(tag uint64) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if tag != a.first+uint64(len(a.states)) {
		return false
	}
	if a.open == 0 {
		a.moved = time.Now()
	}
	a.states = append(a.states, outstanding)
	a.open++
	return true
}

// done notes that a delivery can be acknowledged.
func (a *acker) done(tag uint64) { a.set(tag, done) }

// settle notes that the broker was told about a delivery already.
func (a *acker) settle(tag uint64) { a.set(tag, settled) }

func (a *acker) set(tag uint64, to state) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if tag < a.first || tag-a.first >= uint64(len(a.states)) || a.states[tag-a.first] != outstanding {
		return
	}
	a.states[tag-a.first] = to
	a.open--
	a.moved = time.Now()
	select {
	case a.more <- struct{}{}:
	default:
	}
}

// flush tells the broker of what is done with. An error is that of the connection.
func (a *acker) flush() error {
	last, single := a.due()
	if last > 0 {
		if err := a.ack(last, true); err != nil {
			return err
		}
	}
	for _, tag := range single {
		if err := a.ack(tag, false); err != nil {
			return err
		}
	}
	return nil
}

// due gives what is to be told: everything up to last, 0 for nothing, and single ones after it.
func (a *acker) due() (last uint64, single []uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := 0
	for n < len(a.states) && a.states[n] != outstanding {
		if a.states[n] == done {
			last = a.first + uint64(n)
		}
		n++
	}
	a.states, a.first = a.states[n:], a.first+uint64(n)
	for i, s := range a.states {
		if s == done {
			single = append(single, a.first+uint64(i))
			a.states[i] = settled
		}
	}
	return last, single
}

// idle is how long deliveries have waited without one of them being done with; 0 where none waits.
func (a *acker) idle() time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.open == 0 {
		return 0
	}
	return time.Since(a.moved)
}

// outstanding is how many deliveries are not done with.
func (a *acker) outstanding() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.open
}
