package when

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/notifyd/notifyd/prefs/schedule"
)

// A Form is a schedule as a page shows it, with what is wrong beside each field: the template "schedule-fields".
type Form struct {
	Prefix, Zone                                   string // of the ids on the page; the name of the time zone
	Default                                        string // what the destination says, where a filter may leave it at that
	How                                            string // "once", "digest", or "destination" where there is a Default
	First                                          bool
	Every, Count, At, From                         string
	Days                                           []DayBox
	EveryProblem, CountProblem, AtProblem, Problem string
}

// A DayBox is a day of the week to tick.
type DayBox struct {
	Number int
	Name   string
	Chosen bool
}

// weekdays in the order a week is read in.
var weekdays = []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday, time.Saturday,
	time.Sunday}

// NewForm shows a schedule.
func NewForm(s schedule.Schedule) Form {
	f := Form{How: "digest", At: strings.ReplaceAll(s.At, ",", ", "), From: s.AtOnceFrom, First: s.First,
		Days: dayBoxes(s.Weekdays)}
	if !s.Digest() {
		f.How = "once"
	}
	if s.Every > 0 {
		f.Every = strconv.Itoa(int(s.Every / time.Minute))
	}
	if s.Count > 0 {
		f.Count = strconv.Itoa(s.Count)
	}
	return f
}

func dayBoxes(chosen []time.Weekday) []DayBox {
	boxes := make([]DayBox, 0, len(weekdays))
	for _, d := range weekdays {
		boxes = append(boxes, DayBox{int(d), d.String(), slices.Contains(chosen, d)})
	}
	return boxes
}

// ReadForm reads a posted form; ok is false when a field is wrong, and the form has its problem. was is the schedule
// until now.
func ReadForm(v url.Values, was schedule.Schedule) (s schedule.Schedule, f Form, ok bool) {
	f = Form{
		How: cmp.Or(v.Get("how"), "once"), First: v.Get("first") != "", From: v.Get("from"),
		Every: strings.TrimSpace(v.Get("every")), Count: strings.TrimSpace(v.Get("count")),
		At: strings.TrimSpace(v.Get("at")),
	}
	for _, text := range v["day"] {
		if n, err := strconv.Atoi(text); err == nil && n >= 0 && n <= 6 && !slices.Contains(s.Weekdays, time.Weekday(n)) {
			s.Weekdays = append(s.Weekdays, time.Weekday(n))
		}
	}
	f.Days = dayBoxes(s.Weekdays)
	if f.How != "digest" {
		if f.How == "once" && !was.Digest() && f.Every+f.Count+f.At != "" { // the person typed these
			f.How = "digest"
			f.Problem = "You said when a digest goes, but chose each notice at once. Save this for the digest, or choose again."
			return s, f, false
		}
		return schedule.Schedule{}, f, true
	}
	return f.readDigest(s)
}

func (f Form) readDigest(s schedule.Schedule) (schedule.Schedule, Form, bool) {
	var every int
	every, f.EveryProblem = readNumber(f.Every, 1, int(schedule.MaxEvery/time.Minute), "minutes")
	s.Every = time.Duration(every) * time.Minute
	s.Count, f.CountProblem = readNumber(f.Count, 2, schedule.MaxCount, "notices")
	s.At, f.AtProblem = readClocks(f.At)
	s.AtOnceFrom, s.First = f.From, f.First
	if s.At == "" {
		s.Weekdays = nil // they mean nothing without a time of day
	}
	if f.EveryProblem+f.CountProblem+f.AtProblem != "" {
		return s, f, false
	}
	if !s.Digest() {
		f.Problem = "A digest needs at least one of: minutes, a number of notices, a time of day."
		return s, f, false
	}
	if err := s.Check(); err != nil {
		f.Problem = Mistake(err)
		return s, f, false
	}
	return s, f, true
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

// readClocks reads times of day and returns them in the form 07:00,12:30.
func readClocks(text string) (clocks, problem string) {
	var list []string
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ';' || r == ' ' }) {
		clock := readClock(part)
		if clock == "" {
			return "", "Expected hours and minutes such as 07:00 or 18:30; several with commas."
		}
		list = append(list, clock)
	}
	slices.Sort(list)
	if list = slices.Compact(list); len(list) > schedule.MaxTimes {
		return "", fmt.Sprintf("Expected at most %d times of day.", schedule.MaxTimes)
	}
	return strings.Join(list, ","), ""
}

func readClock(text string) string {
	for _, layout := range []string{"15:04", "15.04", "15"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.Format("15:04")
		}
	}
	return ""
}
