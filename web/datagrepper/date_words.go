package datagrepper

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What else dateutil reads is read word by word: days before months, ordinals, the form of ctime, a time alone, the
// name of a weekday. A zone by another name than UTC is not taken, since dateutil ignores it.

var (
	clockForm = regexp.MustCompile(`(?:^|[ t])(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?(?: ?(am|pm))?` +
		`(?: ?(z|utc|gmt|[+-]\d{2}:?\d{2}|[+-]\d{2}))?(?: |$)`)
	hourForm  = regexp.MustCompile(`(?:^| )(\d{1,2}) ?(am|pm)(?: |$)|(?:^| )(\d{1,2})h(?:(\d{1,2})m)?(?: |$)`)
	hourAlone = regexp.MustCompile(`(\d)t(\d{2})( |$)`) // of ISO 8601
	wordForm  = regexp.MustCompile(`\d+|[a-z]+`)
	shape     = regexp.MustCompile(`^[a-z0-9 ./-]*$`)
)

// months and weekdays are known by their first three letters.
var (
	months   = []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}
	weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}
	idle     = []string{"at", "on", "of", "and", "the", "st", "nd", "rd", "th"}
)

// A wordy collects what the words of a date say.
type wordy struct {
	now          time.Time
	numbers      []string
	month        int
	weekday      int // -1: none
	sinceMidnite time.Duration
	timed        bool
}

// parseWords reads a date word by word. now fills in what it does not say.
func parseWords(s string, now time.Time) (time.Time, bool) {
	w := &wordy{now: now.UTC(), weekday: -1}
	s = strings.Join(strings.Fields(strings.ToLower(s)), " ")
	s, ok := w.takeTime(s)
	if !ok {
		return time.Time{}, false
	}
	s = strings.ReplaceAll(s, ",", " ")
	if !shape.MatchString(s) {
		return time.Time{}, false
	}
	for _, word := range wordForm.FindAllString(s, -1) {
		if !w.take(word) {
			return time.Time{}, false
		}
	}
	day, ok := w.day()
	return day.Add(w.sinceMidnite), ok
}

// takeTime takes the time of the day out of a date.
func (w *wordy) takeTime(s string) (rest string, ok bool) {
	var hour, minute, second, fraction, half, zone string
	at := clockForm.FindStringSubmatchIndex(s)
	switch {
	case at != nil:
		m := clockForm.FindStringSubmatch(s)
		hour, minute, second, fraction, half, zone = m[1], m[2], m[3], m[4], m[5], m[6]
	default:
		s = hourAlone.ReplaceAllString(s, "$1 ${2}h$3")
		if at = hourForm.FindStringSubmatchIndex(s); at == nil {
			return s, true
		}
		m := hourForm.FindStringSubmatch(s)
		hour, half, minute = m[1]+m[3], m[2], m[4]
	}
	w.timed = true
	h, m, sec := number(hour), number(minute), number(second)
	if half != "" {
		if h < 1 || h > 12 {
			return "", false
		}
		h %= 12
		if half == "pm" {
			h += 12
		}
	}
	nanos := number((fraction + "000000000")[:9])
	w.sinceMidnite = time.Duration(h)*time.Hour + time.Duration(m)*time.Minute + time.Duration(sec)*time.Second +
		time.Duration(nanos)
	if digits := strings.ReplaceAll(strings.TrimLeft(zone, "+-"), ":", ""); digits != "" && digit(digits[0]) {
		offset := time.Duration(number(digits[:2]))*time.Hour + time.Duration(number(digits[2:]))*time.Minute
		if zone[0] == '-' {
			offset = -offset
		}
		w.sinceMidnite -= offset
	}
	return s[:at[0]] + " " + s[at[1]:], h < 24 && m < 60 && sec < 60
}

func number(digits string) int {
	n, _ := strconv.Atoi(digits) // "": 0
	return n
}

func (w *wordy) take(word string) bool {
	if digit(word[0]) {
		w.numbers = append(w.numbers, word)
		return len(w.numbers) <= 3 && len(word) <= 4
	}
	short := word[:min(3, len(word))]
	if i := slices.Index(months, short); i >= 0 && w.month == 0 && named(word, time.Month(i+1).String(), "sept") {
		w.month = i + 1
		return true
	}
	if i := slices.Index(weekdays, short); i >= 0 && w.weekday < 0 && named(word, time.Weekday(i).String(), "") {
		w.weekday = i
		return true
	}
	return slices.Contains(idle, word)
}

// named reports whether a word is a name, or its first three letters.
func named(word, name, other string) bool {
	return strings.EqualFold(word, name) || len(word) == 3 || word == other
}

// day gives the day that the words say.
func (w *wordy) day() (time.Time, bool) {
	today := time.Date(w.now.Year(), w.now.Month(), w.now.Day(), 0, 0, 0, 0, time.UTC)
	if len(w.numbers) == 0 && w.month == 0 {
		if w.weekday >= 0 { // the next one, or today
			today = today.AddDate(0, 0, (w.weekday-int(today.Weekday())+7)%7)
		}
		return today, w.timed || w.weekday >= 0
	}
	year, month, day, ok := w.parts()
	if !ok {
		return today, false
	}
	date := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	return date, date.Month() == time.Month(month) && date.Day() == day && year > 0
}

// parts tells year, month and day by their size: a number of more than two digits, or above 31, is the year; without
// words the month comes first, unless it is above 12 and the year comes last.
func (w *wordy) parts() (year, month, day int, ok bool) {
	year, month, day = w.now.Year(), w.month, 1
	var small []int
	found, first := false, false // the year is; it is the first number
	for i, text := range w.numbers {
		n := number(text)
		last := i == len(w.numbers)-1 && len(small) == 2-min(1, w.month)
		if !found && (len(text) > 2 || n > 31 || last && i > 0) {
			first = i == 0
			if year, found = n, true; len(text) <= 2 {
				year = century(n, w.now.Year())
			}
			continue
		}
		small = append(small, n)
	}
	switch {
	case month != 0 && len(small) <= 1:
		if len(small) == 1 {
			day = small[0]
		}
	case month == 0 && len(small) == 2:
		if month, day = small[0], small[1]; month > 12 && found && !first {
			month, day = day, month
		}
	case month == 0 && len(small) == 1 && found:
		month = small[0]
	default:
		return 0, 0, 0, false
	}
	return year, month, day, month >= 1 && month <= 12
}

// century completes a year of two digits by the one that is nearest to now.
func century(n, now int) int {
	year := now - now%100 + n
	switch {
	case year >= now+50:
		return year - 100
	case year < now-50:
		return year + 100
	}
	return year
}
