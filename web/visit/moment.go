package visit

import (
	"strings"
	"time"

	"github.com/notifyd/notifyd/internal/text"
)

// DayAndTime formats a moment by its distance from now: "today at 15:04", "on 2 January at 15:04".
func DayAndTime(t, now time.Time, zone *time.Location) string {
	local, today := t.In(zone), now.In(zone)
	clock := local.Format("15:04")
	switch days := daysBetween(today, local); {
	case days == 0:
		return "today at " + clock
	case days == 1:
		return "tomorrow at " + clock
	case days == -1:
		return "yesterday at " + clock
	case days > 1 && days < 7:
		return "on " + local.Format("Monday") + " at " + clock
	case local.Year() == today.Year():
		return "on " + local.Format("2 January") + " at " + clock
	}
	return "on " + local.Format("2 January 2006") + " at " + clock
}

// daysBetween counts midnights, not hours: days differ in length where clocks change.
func daysBetween(from, to time.Time) int {
	a := time.Date(from.Year(), from.Month(), from.Day(), 0, 0, 0, 0, time.UTC)
	b := time.Date(to.Year(), to.Month(), to.Day(), 0, 0, 0, 0, time.UTC)
	return int(b.Sub(a).Hours() / 24)
}

// Ago formats a moment in the past for a list: "5 minutes ago", "yesterday at 15:04".
func Ago(t, now time.Time, zone *time.Location) string {
	d := now.Sub(t)
	switch {
	case d < 0:
		return DayAndTime(t, now, zone)
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return text.Plural(int(d/time.Minute), "minute", "minutes") + " ago"
	case d < 6*time.Hour:
		return text.Plural(int(d/time.Hour), "hour", "hours") + " ago"
	}
	return strings.TrimPrefix(DayAndTime(t, now, zone), "on ")
}

// Duration formats a time in whole hours, or in minutes: "15 minutes".
func Duration(d time.Duration) string {
	if d%time.Hour == 0 && d >= time.Hour {
		return text.Plural(int(d/time.Hour), "hour", "hours")
	}
	return text.Plural(int(d/time.Minute), "minute", "minutes")
}
