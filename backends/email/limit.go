package email

import (
	"math"
	"time"
)

// limit.go finds out how many connections at once the server takes, between one and the configuration's bound. It
// begins with two. While messages wait and the server answers as quickly as ever it doubles them, as TCP's slow start
// does, and later adds one at a time. How many messages queue up at the server is estimated from how much longer than
// at best they take (L. S. Brakmo, S. W. O'Malley, L. L. Peterson, "TCP Vegas: New Techniques for Congestion Detection
// and Avoidance", 1994); where it is many, one goes. Where the server says that it is too much, half of them go:
// additive increase, multiplicative decrease (D.-M. Chiu, R. Jain, "Analysis of the Increase and Decrease Algorithms
// for Congestion Avoidance in Computer Networks", 1989). The number at which it refused another connection is
// remembered.

// A limit is guarded by the mutex of its pool.
type limit struct {
	most    int // of the configuration
	value   int // connections at once, now
	growing bool

	base   time.Duration // what a message takes at best
	baseAt time.Time

	count int           // messages of this window
	sum   time.Duration // what they took
	busy  bool          // some waited in this window

	ceiling int       // so many it took when it refused one more; 0: it has not lately
	until   time.Time // when one more is tried
	pause   time.Duration
	cutAt   time.Time
}

const (
	queueFew    = 3.0 // messages that queue up at the server: below this more connections are of use
	queueMany   = 6.0
	windowLeast = 8                // messages
	pauseFirst  = 10 * time.Second // before more are tried than it took; it doubles: the server may only have restarted
	pauseMost   = 10 * time.Minute // the longest
	cutEach     = time.Second      // what is refused together is one reason to do less
	baseDoubles = time.Minute      // a network that became slower is no queue for ever
)

func newLimit(most int) limit { return limit{most: most, value: min(2, most), growing: true} }

// took learns that a message was accepted after d; waits: others wait for a connection.
func (l *limit) took(d time.Duration, waits bool, now time.Time) {
	l.count++
	l.sum += d
	l.busy = l.busy || waits
	if l.count < max(windowLeast, 2*l.value) && (l.count < l.value || l.sum < time.Duration(l.value)*time.Second) {
		return
	}
	mean, busy := l.sum/time.Duration(l.count), l.busy
	l.count, l.sum, l.busy = 0, 0, false
	l.learn(mean, now)
	queued := float64(l.value) * (1 - float64(l.base)/float64(max(mean, 1)))
	switch {
	case queued > queueMany:
		l.growing = false
		l.value = max(2, l.value-1)
	case queued >= queueFew:
		l.growing = false
	case busy && l.growing:
		l.value *= 2
	case busy:
		l.value++
	}
	l.value = max(1, min(l.value, l.top(now)))
}

// learn keeps what a message takes at best.
func (l *limit) learn(mean time.Duration, now time.Time) {
	if l.base > 0 {
		l.base = time.Duration(float64(l.base) * math.Exp2(now.Sub(l.baseAt).Seconds()/baseDoubles.Seconds()))
	}
	if l.baseAt = now; l.base == 0 || mean < l.base {
		l.base = mean
	}
}

// top is how many connections there may be at most.
func (l *limit) top(now time.Time) int {
	if l.ceiling > 0 && now.Before(l.until) {
		return min(l.most, l.ceiling)
	}
	return l.most
}

// full learns that the server takes no connection beside the open ones.
func (l *limit) full(open int, now time.Time) {
	if now.Before(l.until) && open >= l.ceiling {
		return // it was said of those that were being made at the same time
	}
	l.pause = min(2*l.pause, pauseMost)
	if l.pause == 0 || now.Sub(l.until) > l.pause {
		l.pause = pauseFirst
	}
	l.ceiling, l.until, l.growing = max(1, open), now.Add(l.pause), false
	l.value = min(l.value, l.ceiling)
}

// cut learns that the server finds it too much.
func (l *limit) cut(now time.Time) {
	l.growing = false
	if now.Sub(l.cutAt) >= cutEach {
		l.cutAt, l.value = now, max(1, l.value/2)
	}
}
