package when

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/schedule"
	"github.com/notifyd/notifyd/web/visit"
)

// Words returns a schedule in words.
func Words(s schedule.Schedule) string {
	var when []string
	if s.Every > 0 {
		when = append(when, visit.Duration(s.Every)+" after the first waiting notice")
	}
	if s.Count > 0 {
		when = append(when, fmt.Sprintf("when %d wait", s.Count))
	}
	if s.At != "" {
		when = append(when, "at "+text.Series(s.Times(), "and")+dayWords(s.Weekdays))
	}
	said := "Each notice at once."
	switch {
	case s.First:
		said = "The first notice at once, and what follows in a digest " + strings.Join(when, ", or ") + "."
	case len(when) == 1:
		said = "A digest " + when[0] + "."
	case len(when) > 1:
		said = "A digest " + strings.Join(when, ", or ") + ", whichever comes first."
	}
	if s.AtOnceFrom != "" {
		said += " " + atOnceWords[s.AtOnceFrom] + " at once."
	}
	return said
}

var atOnceWords = map[string]string{"error": "Errors", "warning": "Warnings and errors", "info": "All but trifles"}

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

// Next says what happens to the next notice to a destination: "Next digest tomorrow at 07:00; errors at once; quiet
// 22:00-07:00."
func Next(d prefs.Destination, u prefs.User, now time.Time, zone *time.Location) string {
	if u.Pause.On(now) {
		return "Paused until " + schedule.Date(u.Pause.Until, now, zone) + "."
	}
	quiet := u.Quiet.And(d.Quiet)
	end := quiet.End(now, zone)
	if s := d.Schedule; end.After(now) && (s.First || !s.Digest()) {
		return "It is quiet until " + schedule.Moment(end, now, zone) + "; what comes until then goes in one digest."
	}
	parts := []string{next(d.Schedule, quiet, now, zone)}
	switch from := d.Schedule.AtOnceFrom; {
	case from == "" || end.After(now): // in quiet hours only what is critical goes at once
	case from == "error":
		parts = append(parts, "errors at once")
	default:
		parts = append(parts, "from "+from+" on at once")
	}
	if end.After(now) {
		parts = append(parts, "quiet until "+schedule.Moment(end, now, zone))
	} else if !quiet.None() {
		parts = append(parts, "quiet "+quiet.String())
	}
	return strings.Join(parts, "; ") + "."
}

// next returns in words when the next notice or digest goes, as far as that is known before a notice waits. A digest
// that is due in quiet hours waits for their end.
func next(s schedule.Schedule, quiet schedule.Quiet, now time.Time, zone *time.Location) string {
	switch {
	case !s.Digest():
		return "The next notice goes at once"
	case s.First:
		return "The next notice goes at once, and what follows within " + visit.Duration(s.Every) + " is gathered"
	case s.At == "":
		return "The next digest starts with the next notice"
	}
	t := schedule.Schedule{At: s.At, Weekdays: s.Weekdays}.Due(now, zone)
	end := quiet.End(t, zone)
	text := "Next digest " + visit.DayAndTime(end, now, zone)
	if end.After(t) {
		text += ", when quiet hours end"
	}
	if (s.Every > 0 || s.Count > 0) && end.After(quiet.End(now, zone)) {
		text += ", or earlier"
	}
	return text
}

// Mistake returns a mistake in a schedule, quiet hours or a pause as a sentence.
func Mistake(err error) string {
	var wrong *schedule.Error
	if !errors.As(err, &wrong) {
		return ""
	}
	field := map[string]string{"every": "The minutes", "count": "The number of notices", "at": "The time of day",
		"weekdays": "The days", "at_once_from": "What goes at once", "first": "The first at once", "quiet": "Quiet hours:",
		"pause": "The pause"}[wrong.Field]
	return field + " " + wrong.Problem + "."
}

// Paused says that everything is paused, for the head of every page: "Paused until Mon 7 December 07:00, 42 kept"; ""
// where nothing is.
func Paused(p schedule.Pause, kept int, now time.Time, zone *time.Location) string {
	if !p.On(now) {
		return ""
	}
	words := "Paused until " + schedule.Date(p.Until, now, zone) + ", " + text.NumberOf(kept, "notice", "notices")
	if p.Drop {
		return words + " to throw away"
	}
	return words + " kept"
}
