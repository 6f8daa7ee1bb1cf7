// Package schedule computes when a notice goes to a destination.
//
// A Schedule is either "at once" or a digest: notices wait for others until the first of its conditions holds. Two of
// the conditions are about time (Every, At), and Due computes one due time from them. Due is pure: it takes the time
// and the zone as arguments. The third (Count) is a number of notices, which only the outbox can count. It also keeps
// when the first notice went, for First.
//
// Quiet are the hours in which nothing but critical notices goes. HoldWords says why a notice waits, and until when.
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
	"strconv"
	"strings"
	"time"
)

// A Schedule decides when a destination gets its notices. The zero Schedule means at once. Any other is a digest that
// goes when the first of its conditions holds.
type Schedule struct {
	Every    time.Duration  // this long after the oldest waiting notice; 0: no such condition
	Count    int            // at this many waiting notices; 0: no such condition
	At       string         // "07:00" or "07:00,12:30", local times in the user's zone; "": no such condition
	Weekdays []time.Weekday // on which At holds; empty: every day

	// AtOnceFrom is the severity ("info", "warning" or "error") from which a notice goes at once all the same; "": only
	// what is critical does, which always goes at once.
	AtOnceFrom string
	// First lets a notice go at once when nothing went for a time of Every: only what follows it waits.
	First bool
}

// The bounds on schedules.
const (
	MinEvery = time.Minute
	MaxEvery = 7 * 24 * time.Hour
	MaxCount = 1000
	MaxTimes = 12                 // times of day in At
	maxWait  = 7 * 24 * time.Hour // a digest with only a Count goes after this time at the latest
)

// An Error is a mistake in a schedule, written for the person who typed it.
type Error struct {
	Field   string // "every", "count", "at", "weekdays", "at_once_from", "first", "quiet" or "pause"
	Problem string
}

// Error returns the field and what is wrong with it.
func (e *Error) Error() string { return e.Field + ": " + e.Problem }

func problem(field, format string, args ...any) error {
	return &Error{Field: field, Problem: fmt.Sprintf(format, args...)}
}

// severities are the words for how much a message matters, ascending.
var severities = []string{"debug", "info", "warning", "error", "critical"}

// Check returns the first mistake in a schedule as an *Error; nil when there is none.
func (s Schedule) Check() error {
	switch {
	case s.Every != 0 && (s.Every < MinEvery || s.Every > MaxEvery):
		return problem("every", "%v is not between a minute and seven days", s.Every)
	case s.Count != 0 && (s.Count < 2 || s.Count > MaxCount):
		return problem("count", "%d is not between 2 and %d", s.Count, MaxCount)
	case s.At == "" && len(s.Weekdays) > 0:
		return problem("weekdays", "need a time of day")
	case s.AtOnceFrom != "" && !slices.Contains(severities[1:4], s.AtOnceFrom):
		return problem("at_once_from", "%q is not one of info, warning and error", s.AtOnceFrom)
	case s.AtOnceFrom != "" && !s.Digest():
		return problem("at_once_from", "needs a digest: without one, each notice goes at once")
	case s.First && s.Every == 0:
		return problem("first", "needs a time for which the rest is gathered (every)")
	case s.First && s.At != "":
		return problem("first", "does not go with times of day (at)")
	}
	if err := checkTimes(s.At); err != nil {
		return err
	}
	for i, day := range s.Weekdays {
		if day < time.Sunday || day > time.Saturday || slices.Contains(s.Weekdays[:i], day) {
			return problem("weekdays", "%d is no day, or stands twice", day)
		}
	}
	return nil
}

func checkTimes(at string) error {
	if at == "" {
		return nil
	}
	times := strings.Split(at, ",")
	if len(times) > MaxTimes {
		return problem("at", "has more than %d times", MaxTimes)
	}
	for i, t := range times {
		if _, err := time.Parse("15:04", t); err != nil || len(t) != len("15:04") {
			return problem("at", "%q is no time of day; one is %q", t, "07:00")
		}
		if slices.Contains(times[:i], t) {
			return problem("at", "%q stands twice", t)
		}
	}
	return nil
}

// Times returns the times of At.
func (s Schedule) Times() []string {
	if s.At == "" {
		return nil
	}
	return strings.Split(s.At, ",")
}

// Digest reports whether notices wait for others; otherwise each goes at once.
func (s Schedule) Digest() bool { return s.Every > 0 || s.Count > 0 || s.At != "" }

// Equal reports whether two schedules are the same.
func (s Schedule) Equal(o Schedule) bool { return s.Text() == o.Text() }

// AtOnce reports whether a notice of a severity goes at once.
func (s Schedule) AtOnce(severity string) bool {
	if !s.Digest() || severity == "critical" {
		return true
	}
	return s.AtOnceFrom != "" && slices.Index(severities, severity) >= slices.Index(severities, s.AtOnceFrom)
}

// Due returns the latest time at which a notice that arrives now goes: the first of the conditions on time, in the
// person's zone. Where First is set the notice may go earlier.
func (s Schedule) Due(now time.Time, zone *time.Location) time.Time {
	if !s.Digest() {
		return now
	}
	due := now.Add(maxWait)
	if s.Every > 0 && now.Add(s.Every).Before(due) {
		due = now.Add(s.Every)
	}
	for _, t := range s.Times() {
		at, err := time.Parse("15:04", t)
		if err != nil {
			continue
		}
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

// Text returns a schedule as one short line that two schedules share only when they are the same: "every 1h0m0s, at
// 07:00,12:30 mon,tue, 20 notices, from error, first"; "at once" for the zero Schedule.
func (s Schedule) Text() string {
	var parts []string
	if s.Every > 0 {
		parts = append(parts, "every "+s.Every.String())
	}
	if s.At != "" {
		at := "at " + s.At
		if days := sortedDays(s.Weekdays); len(days) > 0 && len(days) < 7 {
			at += " " + dayNames(days)
		}
		parts = append(parts, at)
	}
	if s.Count > 0 {
		parts = append(parts, strconv.Itoa(s.Count)+" notices")
	}
	if s.AtOnceFrom != "" {
		parts = append(parts, "from "+s.AtOnceFrom)
	}
	if s.First {
		parts = append(parts, "first")
	}
	if len(parts) == 0 {
		return "at once"
	}
	return strings.Join(parts, ", ")
}
