package schedule

import "time"

// A Lead is what a destination remembers of a schedule with First: the end of the window that its last notice has
// opened, and whether something was gathered in it. The zero Lead remembers nothing.
type Lead struct {
	Until time.Time
	More  bool
}

// Arrive returns when a notice goes that arrives now, whether at once or in the digest at the end of the window, and
// what is remembered from then on. A notice goes at once when the last one that did so, or the last digest, is at least
// a window ago; then it opens a window. What arrives in a window goes at its end, and opens the next window.
func (l Lead) Arrive(now time.Time, window time.Duration) (due time.Time, gathered bool, next Lead) {
	switch {
	case now.Before(l.Until):
		if far := now.Add(window); l.Until.After(far) { // the clock was put back
			l.Until = far
		}
		return l.Until, true, Lead{l.Until, true}
	case l.More && now.Before(l.Until.Add(window)): // its digest has gone at Until
		return l.Until.Add(window), true, Lead{l.Until.Add(window), true}
	}
	return now, false, Lead{now.Add(window), false}
}
