package report

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A Window is how long a report looks back: calendar days, weeks or months in a zone. Windows of one kind follow each
// other without a gap. The zero Window is a week.
type Window struct {
	Months int
	Days   int // where Months is 0
}

const maxDays = 366

// ParseWindow reads "day", "week", "month" or a number of days such as "14d".
func ParseWindow(text string) (Window, error) {
	switch text {
	case "day":
		return Window{Days: 1}, nil
	case "week":
		return Window{Days: 7}, nil
	case "month":
		return Window{Months: 1}, nil
	}
	n, err := strconv.Atoi(strings.TrimSuffix(text, "d"))
	if err != nil || !strings.HasSuffix(text, "d") || n < 1 || n > maxDays {
		return Window{}, fmt.Errorf("want day, week, month, or a number of days such as 14d, at most %dd", maxDays)
	}
	return Window{Days: n}, nil
}

// String gives the window as ParseWindow reads it.
func (w Window) String() string {
	switch {
	case w.Months > 0:
		return "month"
	case w.days() == 1:
		return "day"
	case w.days() == 7:
		return "week"
	}
	return fmt.Sprintf("%dd", w.days())
}

// Words gives the window as it stands in a sentence: "week", "14 days".
func (w Window) Words() string {
	if text := w.String(); !strings.HasSuffix(text, "d") {
		return text
	}
	return fmt.Sprintf("%d days", w.days())
}

func (w Window) days() int {
	if w.Days == 0 && w.Months == 0 {
		return 7
	}
	return w.Days
}

// monday is the day from which windows of several days are counted: weeks begin on Monday (ISO 8601).
var monday = time.Date(1970, 1, 5, 0, 0, 0, 0, time.UTC)

// Start gives the beginning of the window that t is in: a midnight in the zone. On a day without a midnight it is the
// first moment of the day.
func (w Window) Start(t time.Time, zone *time.Location) time.Time {
	local := t.In(zone)
	year, month, day := local.Date()
	if w.Months > 0 {
		return midnight(year, month, 1, zone)
	}
	since := int(time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Sub(monday) / (24 * time.Hour))
	into := ((since % w.days()) + w.days()) % w.days()
	return midnight(year, month, day-into, zone)
}

// Next gives the beginning of the window after the one that begins at start, for n = 1; for n = -1 that before.
func (w Window) Next(start time.Time, n int, zone *time.Location) time.Time {
	year, month, day := start.In(zone).Date()
	if w.Months > 0 {
		return midnight(year, month+time.Month(n), 1, zone)
	}
	return midnight(year, month, day+n*w.days(), zone)
}

// midnight gives the first moment of a day. Where summer time begins at midnight, time.Date may give one of the day
// before.
func midnight(year int, month time.Month, day int, zone *time.Location) time.Time {
	noon := time.Date(year, month, day, 12, 0, 0, 0, zone)
	t := time.Date(year, month, day, 0, 0, 0, 0, zone)
	for t.Day() != noon.Day() {
		t = t.Add(30 * time.Minute)
	}
	if earlier := t.Add(-time.Hour); earlier.Day() == t.Day() { // a midnight that comes twice
		return earlier
	}
	return t
}

// thisTime is how titles name the window under way.
var thisTime = regexp.MustCompile(`(?i)\b(this (day|week|month)|today)\b`)

// over gives a title as it is said of a window that is over, in a mail or a feed that is read at any time later: "This
// week" becomes "The week", "What failed today" becomes "What failed that day".
func over(title string) string {
	begins := true
	return thisTime.ReplaceAllStringFunc(title, func(found string) string {
		said, unit := "that ", "day"
		if begins && strings.HasPrefix(title, found) {
			said = "The "
		}
		begins = false
		if _, named, ok := strings.Cut(found, " "); ok {
			unit = named
		}
		return said + unit
	})
}
