package schedule

import (
	"slices"
	"time"
)

// clock.go finds the moments at which a clock in a zone shows a time. A day on which clocks change shows some times
// twice, or never.

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

// reaches returns the first and the last moment at which a clock in a zone reaches a time of a date: two moments where
// it shows that time twice, the moment at which it is put forward where it never shows it. minutes are counted from the
// midnight of the date, and may be 24 * 60.
func reaches(year int, month time.Month, day, minutes int, zone *time.Location) (first, last time.Time) {
	wanted := time.Date(year, month, day, 0, minutes, 0, 0, time.UTC)
	var shown []time.Time
	for _, near := range []time.Duration{-36 * time.Hour, 0, 36 * time.Hour} {
		_, offset := wanted.Add(near).In(zone).Zone()
		t := wanted.Add(-time.Duration(offset) * time.Second).In(zone)
		if face(t).Equal(wanted) {
			shown = append(shown, t)
		}
	}
	if len(shown) > 0 {
		return slices.MinFunc(shown, time.Time.Compare), slices.MaxFunc(shown, time.Time.Compare)
	}
	_, before := wanted.Add(-36 * time.Hour).In(zone).Zone()
	jump, _ := wanted.Add(-time.Duration(before) * time.Second).In(zone).ZoneBounds()
	return jump, jump
}
