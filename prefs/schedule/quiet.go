package schedule

import (
	"slices"
	"time"
)

// Quiet are hours in which nothing but critical notices goes: what falls into them waits for their end. The zero Quiet
// has none.
type Quiet struct{ windows []window }

// A window is one span of Quiet. It begins on each of its days, and where to is not later than from it ends on the day
// after.
type window struct {
	days     []time.Weekday // ascending, as time.Weekday counts; never empty
	from, to int            // minutes since midnight; to is at most 24 * 60
}

// The bounds on quiet hours.
const (
	maxWindows = 20
	maxQuiet   = 500 // bytes of the text
)

// horizon is how far End looks: whatever covers more covers a whole week.
const horizon = 9 * 24 * time.Hour

// None reports whether there are no quiet hours at all.
func (q Quiet) None() bool { return len(q.windows) == 0 }

// And returns the quiet hours of both: those of a person and those of one of their destinations.
func (q Quiet) And(more Quiet) Quiet { return Quiet{slices.Concat(q.windows, more.windows)} }

// Covers reports whether a moment lies in quiet hours.
func (q Quiet) Covers(t time.Time, zone *time.Location) bool { return q.End(t, zone).After(t) }

// End returns the moment at which the quiet hours end that t lies in, and t itself where it lies in none. Windows that
// touch each other are one. Quiet hours without an end (Check refuses them) end after nine days.
//
// A window begins when the clock first shows its beginning, or is put forward over it, and ends when the clock last
// shows its end. So it is never shorter than a clock says; on the days on which clocks change it may be longer.
func (q Quiet) End(t time.Time, zone *time.Location) time.Time {
	end := t
	for end.Sub(t) < horizon {
		next := end
		for _, w := range q.windows {
			if e := w.end(end, zone); e.After(next) {
				next = e
			}
		}
		if next.Equal(end) {
			break
		}
		end = next
	}
	return end
}

// end returns when the window ends that t lies in; t where it lies in none.
func (w window) end(t time.Time, zone *time.Location) time.Time {
	end := t
	for back := -1; back <= 2; back++ { // two days: a zone may leave a date out
		begin, until := w.on(t.In(zone), -back, zone)
		if !begin.After(t) && until.After(end) {
			end = until
		}
	}
	return end
}

// on returns the window that begins so many days after a date; two zero times where none begins then.
func (w window) on(date time.Time, days int, zone *time.Location) (begin, end time.Time) {
	year, month, day := date.Date()
	day += days
	if !slices.Contains(w.days, time.Date(year, month, day, 12, 0, 0, 0, time.UTC).Weekday()) {
		return time.Time{}, time.Time{}
	}
	begin, _ = reaches(year, month, day, w.from, zone)
	to := w.to
	if to <= w.from {
		day++
	}
	_, end = reaches(year, month, day, to, zone)
	return begin, end
}

// Begins returns when the next quiet hours begin after t; the zero time where there are none.
func (q Quiet) Begins(t time.Time, zone *time.Location) time.Time {
	var first time.Time
	for _, w := range q.windows {
		for ahead := -1; ahead <= 8; ahead++ {
			begin, end := w.on(t.In(zone), ahead, zone)
			if begin.After(t) && end.After(begin) && (first.IsZero() || begin.Before(first)) {
				first = begin
			}
		}
	}
	return first
}

// Check returns an *Error where quiet hours leave no minute of a week in which something goes.
func (q Quiet) Check() error {
	monday := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	if q.End(monday, time.UTC).Sub(monday) >= 8*24*time.Hour {
		return problem("quiet", "leave no time in the week in which anything is sent; to stop everything, pause instead")
	}
	return nil
}
