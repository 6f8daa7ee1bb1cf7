package web

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/prefs/schedule"
	"github.com/notifyd/notifyd/web/visit"
)

// scheduleForm is a schedule as the page shows it, with what is wrong beside each field.
type scheduleForm struct {
	AtOnce                                         bool
	Every, Count, At                               string
	Days                                           []dayBox
	EveryProblem, CountProblem, AtProblem, Problem string
}

type dayBox struct {
	Number int
	Name   string
	Chosen bool
}

// weekdays in the order a week is read in.
var weekdays = []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday, time.Saturday,
	time.Sunday}

func newScheduleForm(s schedule.Schedule) scheduleForm {
	f := scheduleForm{AtOnce: s.Every == 0 && s.Count == 0 && s.At == "", At: s.At}
	if s.Every > 0 {
		f.Every = strconv.Itoa(int(s.Every / time.Minute))
	}
	if s.Count > 0 {
		f.Count = strconv.Itoa(s.Count)
	}
	f.Days = dayBoxes(s.Weekdays)
	return f
}

func dayBoxes(chosen []time.Weekday) []dayBox {
	boxes := make([]dayBox, 0, len(weekdays))
	for _, d := range weekdays {
		boxes = append(boxes, dayBox{int(d), d.String(), slices.Contains(chosen, d)})
	}
	return boxes
}

// readSchedule reads the posted form; ok is false when a field is wrong, and the form has its problem.
func readSchedule(v url.Values) (s schedule.Schedule, f scheduleForm, ok bool) {
	f = scheduleForm{
		AtOnce: v.Get("how") != "digest",
		Every:  strings.TrimSpace(v.Get("every")), Count: strings.TrimSpace(v.Get("count")),
		At: strings.TrimSpace(v.Get("at")),
	}
	for _, text := range v["day"] {
		if n, err := strconv.Atoi(text); err == nil && n >= 0 && n <= 6 && !slices.Contains(s.Weekdays, time.Weekday(n)) {
			s.Weekdays = append(s.Weekdays, time.Weekday(n))
		}
	}
	f.Days = dayBoxes(s.Weekdays)
	if f.AtOnce {
		return schedule.Schedule{}, f, true
	}
	var every int
	every, f.EveryProblem = readNumber(f.Every, 1, int(schedule.MaxEvery/time.Minute), "minutes")
	s.Every = time.Duration(every) * time.Minute
	s.Count, f.CountProblem = readNumber(f.Count, 2, schedule.MaxCount, "notices")
	s.At, f.AtProblem = readClock(f.At)
	if s.At == "" {
		s.Weekdays = nil // they mean nothing without a time of day
	}
	if ok = f.EveryProblem+f.CountProblem+f.AtProblem == ""; ok && s.Every == 0 && s.Count == 0 && s.At == "" {
		f.Problem, ok = "A digest needs at least one of: minutes, a number of notices, a time of day.", false
	}
	return s, f, ok
}

// readNumber reads a whole number of something from least to most; an empty field is 0.
func readNumber(text string, least, most int, what string) (n int, problem string) {
	if text == "" {
		return 0, ""
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		return 0, fmt.Sprintf("Expected a whole number of %s from %d to %d.", what, least, most)
	}
	return n, ""
}

// readClock reads a time of day and returns it in the form 07:00.
func readClock(text string) (clock, problem string) {
	if text == "" {
		return "", ""
	}
	for _, layout := range []string{"15:04", "15.04", "15"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.Format("15:04"), ""
		}
	}
	return "", "Expected hours and minutes such as 07:00 or 18:30."
}

// scheduleWords returns a schedule in words.
func scheduleWords(s schedule.Schedule) string {
	var when []string
	if s.Every > 0 {
		when = append(when, visit.Duration(s.Every)+" after the first waiting notice")
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

// nextWords returns in words when the next notice or digest goes, as far as that is known before a notice waits.
func nextWords(s schedule.Schedule, now time.Time, zone *time.Location) string {
	if !s.Digest() {
		return "The next notice goes at once."
	}
	if s.At == "" {
		return "The next digest starts with the next notice."
	}
	t := schedule.Schedule{At: s.At, Weekdays: s.Weekdays}.Due(now, zone)
	text := "Next digest " + visit.DayAndTime(t, now, zone)
	if s.Every > 0 || s.Count > 0 {
		text += ", or earlier"
	}
	return text + "."
}
