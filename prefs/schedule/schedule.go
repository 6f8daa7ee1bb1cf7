// Package schedule computes when a notice goes to a destination.
//
// A Schedule is either "at once" or a digest: notices wait for others until the first of its conditions holds. Two of
// the conditions are about time (Every, At), and Due computes one due time from them. Due is pure: it takes the time
// and the zone as arguments. The third (Count) is a number of notices, which only the outbox can count.
//
// At is a time on a clock, not a length of time: "07:00" stays 07:00 in the person's zone when summer time begins or
// ends. On such a day a clock may show a time twice or never, and time.Date does not define which it picks. Of two
// moments Due takes the first. Where there is none, Due adds the length of the gap (RFC 5545, section 3.3.5, has the
// same rule for calendars).
//
//	s := schedule.Schedule{At: "07:00", Weekdays: []time.Weekday{time.Monday}, Count: 20}
//	due := s.Due(time.Now(), berlin) // next Monday at 07:00; at 20 waiting notices the outbox sends earlier
package schedule

import (
	"fmt"
	"slices"
	"time"
)

// A Schedule decides when a destination gets its notices. The zero Schedule means at once. Any other is a digest that
// goes when the first of its conditions holds.
type Schedule struct {
	Every    time.Duration  // this long after the oldest waiting notice; 0: no such condition
	Count    int            // at this many waiting notices; 0: no such condition
	At       string         // "07:00", local time in the user's zone; "": no such condition
	Weekdays []time.Weekday // on which At holds; empty: every day
}

// The bounds on schedules.
const (
	MinEvery = time.Minute
	MaxEvery = 7 * 24 * time.Hour
	MaxCount = 1000
	maxWait  = 7 * 24 * time.Hour // a digest with only a Count goes after this time at the latest
)

// An Error is a mistake in a schedule, written for the person who typed it.
type Error struct {
	Field   string // "every", "count", "at", "weekdays"
	Problem string
}

// Error returns the field and what is wrong with it.
func (e *Error) Error() string { return e.Field + ": " + e.Problem }

func problem(field, format string, args ...any) error {
	return &Error{Field: field, Problem: fmt.Sprintf(format, args...)}
}

// Check returns the first mistake in a schedule as an *Error; nil when there is none.
func (s Schedule) Check() error {
	switch {
	case s.Every != 0 && (s.Every < MinEvery || s.Every > MaxEvery):
		return problem("every", "%v is not between a minute and seven days", s.Every)
	case s.Count != 0 && (s.Count < 2 || s.Count > MaxCount):
		return problem("count", "%d is not between 2 and %d", s.Count, MaxCount)
	case s.At == "" && len(s.Weekdays) > 0:
		return problem("weekdays", "need a time of day")
	}
	if s.At != "" {
		if _, err := time.Parse("15:04", s.At); err != nil || len(s.At) != len("15:04") {
			return problem("at", "%q is no time of day; one is %q", s.At, "07:00")
		}
	}
	for i, day := range s.Weekdays {
		if day < time.Sunday || day > time.Saturday || slices.Contains(s.Weekdays[:i], day) {
			return problem("weekdays", "%d is no day, or stands twice", day)
		}
	}
	return nil
}

// Digest reports whether notices wait for others; otherwise each goes at once.
func (s Schedule) Digest() bool { return s.Every > 0 || s.Count > 0 || s.At != "" }

// Due returns the latest time at which a notice that arrives now goes: the first of the conditions on time, in the
// person's zone.
func (s Schedule) Due(now time.Time, zone *time.Location) time.Time {
	if !s.Digest() {
		return now
	}
	due := now.Add(maxWait)
	if s.Every > 0 && now.Add(s.Every).Before(due) {
		due = now.Add(s.Every)
	}
	if at, err := time.Parse("15:04", s.At); err == nil {
		if next := s.next(now.In(zone), at.Hour(), at.Minute()); next.Before(due) {
			due = next
		}
	}
	return due
}

// next returns the next time after now when the clock shows hour:minute on one of the weekdays.
func (s Schedule) next(now time.Time, hour, minute int) time.Time {
	year, month, day := now.Date()
	for i := range 9 { // today may be over, and today may be the only weekday
		noon := time.Date(year, month, day+i, 12, 0, 0, 0, now.Location())
		if len(s.Weekdays) > 0 && !slices.Contains(s.Weekdays, noon.Weekday()) {
			continue
		}
		if t := wallClock(noon, hour, minute); t.After(now) {
			return t
		}
	}
	return now.Add(maxWait) // not reached with weekdays that Check accepts
}

// wallClock returns the moment at which a clock in the zone of day shows hour:minute on that day. Where the clock
// shows it twice (summer time ends), that is the first moment. Where it never shows it (summer time begins), the
// moment is later by as much as the clock was put forward.
func wallClock(day time.Time, hour, minute int) time.Time {
	year, month, d := day.Date()
	wanted := time.Date(year, month, d, hour, minute, 0, 0, time.UTC)
	t := time.Date(year, month, d, hour, minute, 0, 0, day.Location())
	if missing := wanted.Sub(face(t)); missing > 0 {
		return t.Add(missing)
	}
	for _, shift := range []time.Duration{30 * time.Minute, time.Hour, 2 * time.Hour} { // all shifts that exist
		if earlier := t.Add(-shift); face(earlier).Equal(wanted) {
			return earlier
		}
	}
	return t
}

// face returns what the clock shows at t, as if it were UTC: faces can be subtracted.
func face(t time.Time) time.Time {
	year, month, day := t.Date()
	return time.Date(year, month, day, t.Hour(), t.Minute(), 0, 0, time.UTC)
}
