package prefs

import (
	"slices"
	"time"
)

// The bounds on schedules.
const (
	minEvery = time.Minute
	maxEvery = 7 * 24 * time.Hour
	maxCount = 1000
	maxHold  = 7 * 24 * time.Hour // a digest with only a Count goes then, full or not
)

// Check says what is wrong with a schedule; the error is an *Error.
func (s Schedule) Check() error {
	switch {
	case s.Every != 0 && (s.Every < minEvery || s.Every > maxEvery):
		return problem("every", "%v is not between a minute and seven days", s.Every)
	case s.Count != 0 && (s.Count < 2 || s.Count > maxCount):
		return problem("count", "%d is not between 2 and %d", s.Count, maxCount)
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

// Digest says whether notices wait for others; otherwise each goes at once.
func (s Schedule) Digest() bool { return s.Every > 0 || s.Count > 0 || s.At != "" }

// Due gives when a notice that comes now goes at the latest: the first of the conditions on time, in the person's zone.
func (s Schedule) Due(now time.Time, zone *time.Location) time.Time {
	if !s.Digest() {
		return now
	}
	due := now.Add(maxHold)
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

// next gives the next time after now that the clock shows hour:minute on one of the weekdays.
func (s Schedule) next(now time.Time, hour, minute int) time.Time {
	year, month, day := now.Date()
	for i := range 9 { // today may be over, and the only weekday may be today's
		noon := time.Date(year, month, day+i, 12, 0, 0, 0, now.Location())
		if len(s.Weekdays) > 0 && !slices.Contains(s.Weekdays, noon.Weekday()) {
			continue
		}
		if t := clock(noon, hour, minute); t.After(now) {
			return t
		}
	}
	return now.Add(maxHold) // not reached with weekdays that Check took
}

// clock gives the moment at which a clock at the place of day shows hour:minute on that day. Where it shows that twice
// (summer time ends) the first is meant, and where never (it begins) as much later as the clock was put forward.
// time.Date leaves both open.
func clock(day time.Time, hour, minute int) time.Time {
	year, month, d := day.Date()
	wanted := time.Date(year, month, d, hour, minute, 0, 0, time.UTC)
	t := time.Date(year, month, d, hour, minute, 0, 0, day.Location())
	if missing := wanted.Sub(face(t)); missing > 0 {
		return t.Add(missing)
	}
	for _, shift := range []time.Duration{30 * time.Minute, time.Hour, 2 * time.Hour} { // all shifts there are
		if earlier := t.Add(-shift); face(earlier).Equal(wanted) {
			return earlier
		}
	}
	return t
}

// face gives what the clock shows at t, as if it were UTC: faces can be subtracted.
func face(t time.Time) time.Time {
	year, month, day := t.Date()
	return time.Date(year, month, day, t.Hour(), t.Minute(), 0, 0, time.UTC)
}
