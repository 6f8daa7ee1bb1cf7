package web

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/prefs/schedule"
)

// scheduleWords says in words what a schedule does.
func scheduleWords(s schedule.Schedule) string {
	var when []string
	if s.Every > 0 {
		when = append(when, duration(s.Every)+" after the first waiting notice")
	}
	if s.Count > 0 {
		when = append(when, fmt.Sprintf("when %d wait", s.Count))
	}
	if s.At != "" {
		when = append(when, "at "+s.At+dayWords(s.Weekdays))
	}
	switch len(when) {
	case 0:
		return "Each notice at once."
	case 1:
		return "A digest " + when[0] + "."
	}
	return "A digest " + strings.Join(when, ", or ") + ", whichever comes first."
}

func dayWords(days []time.Weekday) string {
	if len(days) == 0 || len(days) == 7 {
		return " every day"
	}
	var names []string
	for _, d := range weekdays {
		for _, chosen := range days {
			if d == chosen {
				names = append(names, d.String())
			}
		}
	}
	if strings.Join(names, " ") == "Monday Tuesday Wednesday Thursday Friday" {
		return " from Monday to Friday"
	}
	return " on " + text.Series(names, "and")
}

// nextWords says when the next sending is, as far as that is known before a notice waits.
func nextWords(s schedule.Schedule, now time.Time, zone *time.Location) string {
	if !s.Digest() {
		return "The next notice goes at once."
	}
	if s.At == "" {
		return "The next digest starts with the next notice."
	}
	t := schedule.Schedule{At: s.At, Weekdays: s.Weekdays}.Due(now, zone)
	text := "Next digest " + dayAndTime(t, now, zone)
	if s.Every > 0 || s.Count > 0 {
		text += ", or earlier"
	}
	return text + "."
}

// dayAndTime gives a moment near now the way people say it.
func dayAndTime(t, now time.Time, zone *time.Location) string {
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

// ago gives a moment in the past as a person reads it in a list.
func ago(t, now time.Time, zone *time.Location) string {
	d := now.Sub(t)
	switch {
	case d < 0:
		return dayAndTime(t, now, zone)
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return text.Plural(int(d/time.Minute), "minute", "minutes") + " ago"
	case d < 6*time.Hour:
		return text.Plural(int(d/time.Hour), "hour", "hours") + " ago"
	}
	return strings.TrimPrefix(dayAndTime(t, now, zone), "on ")
}

func duration(d time.Duration) string {
	if d%time.Hour == 0 && d >= time.Hour {
		return text.Plural(int(d/time.Hour), "hour", "hours")
	}
	return text.Plural(int(d/time.Minute), "minute", "minutes")
}

// number writes a number with its thousands apart.
func number(n int) string {
	digits := strconv.Itoa(n)
	for at := len(digits) - 3; at > 0 && digits[at-1] != '-'; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return digits
}

// numberOf is text.Plural for numbers that may be large.
func numberOf(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return number(n) + " " + word + "s"
}
