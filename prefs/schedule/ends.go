package schedule

import (
	"strings"
	"time"
)

// endForms are the forms in which people write when something ends. Times without a zone are those of the person.
var endForms = []string{time.DateOnly, "2006-01-02 15:04", "2006-01-02T15:04", time.RFC3339}

// ReadEnd returns the moment at which something ends that is written as a date (its whole day counts still), as a date
// and a time in the person's zone, or as RFC 3339 has it. The zero time stands for "": it never ends.
func ReadEnd(written string, zone *time.Location) (time.Time, error) {
	if written = strings.TrimSpace(written); written == "" {
		return time.Time{}, nil
	}
	for _, form := range endForms {
		t, err := time.ParseInLocation(form, written, zone)
		if err != nil {
			continue
		}
		if form == time.DateOnly {
			t = time.Date(t.Year(), t.Month(), t.Day()+1, 0, 0, 0, 0, zone)
		}
		if t.Year() < 2000 {
			break
		}
		return t.UTC().Truncate(time.Microsecond), nil
	}
	return time.Time{}, problem("ends", "is a date such as 2026-12-24, with a time such as 2026-12-24 18:00, or nothing")
}

// WriteEnd returns what ReadEnd reads, as short as it can be; "" for the zero time.
func WriteEnd(end time.Time, zone *time.Location) string {
	if end.IsZero() {
		return ""
	}
	end = end.In(zone)
	if last := end.Add(-time.Microsecond); end.Hour() == 0 && end.Minute() == 0 && end.Second() == 0 {
		if again, err := ReadEnd(last.Format(time.DateOnly), zone); err == nil && again.Equal(end) {
			return last.Format(time.DateOnly)
		}
	}
	return end.Format(time.RFC3339Nano)
}

// EndWords says when something ends or has ended, for people: "24 December 2026", or with the time of day.
func EndWords(end time.Time, zone *time.Location) string {
	if written := WriteEnd(end, zone); len(written) == len(time.DateOnly) {
		day, _ := time.Parse(time.DateOnly, written)
		return day.Format("2 January 2006")
	}
	return end.In(zone).Format("2 January 2006, 15:04")
}
