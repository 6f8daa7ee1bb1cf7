package datagrepper

import (
	"strings"
	"time"
)

// The dates, times and zones that parseDate reads, in all combinations: the usual ones of those that dateutil reads. A
// month in words may be long or short.
var (
	dates = []string{
		"2006-1-2", "2006/1/2", "2006.1.2", "Jan 2 2006", "January 2 2006", "2 Jan 2006", "2 January 2006", "2006 Jan 2",
		"2006 January 2", "1/2/2006", "2006-1", "Jan 2006", "January 2006", "Jan 2", "January 2", "2 Jan", "2 January",
		"2-Jan-2006", "20060102",
	}
	times = []string{"", "15:04:05", "15:04", "15:04:05.999999999", "3:04:05 PM", "3:04 PM", "3:04PM", "3PM", "3 PM",
		"150405", "1504"}
	zones = []string{"", "Z07:00", "-0700", "-07", "MST"}
)

// mostDate bounds the length of a date.
const mostDate = 64

// parseDate reads a date, in UTC where it names no zone.
func parseDate(s string, now time.Time) (time.Time, bool) {
	if s == "" || len(s) > mostDate {
		return time.Time{}, false
	}
	original := s
	s = tidy(s)
	for _, date := range dates {
		for _, clock := range times {
			for _, zone := range zones {
				if clock == "" && zone != "" {
					continue
				}
				for _, layout := range layouts(date, clock, zone) {
					if t, err := time.Parse(layout, s); err == nil && known(t) {
						return dated(t, layout, now), true
					}
				}
			}
		}
	}
	return parseWords(original, now)
}

// layouts gives the ways to write a time: with the zone close to it or apart.
func layouts(date, clock, zone string) []string {
	whole := date
	if clock != "" {
		whole += " " + clock
	}
	if zone == "" {
		return []string{whole}
	}
	return []string{whole + zone, whole + " " + zone}
}

// tidy takes the weekday, commas and the T between date and time out.
func tidy(s string) string {
	s = strings.NewReplacer(",", " ", " UTC", "Z", " GMT", "Z", " utc", "Z").Replace(s)
	words := strings.Fields(s)
	if len(words) > 1 && len(words[0]) >= 3 {
		for d := time.Sunday; d <= time.Saturday; d++ {
			if strings.EqualFold(words[0], d.String()) || strings.EqualFold(words[0], d.String()[:3]) {
				words = words[1:]
				break
			}
		}
	}
	s = strings.Join(words, " ")
	if i := strings.IndexAny(s, "Tt"); i > 0 && i+1 < len(s) && digit(s[i-1]) && digit(s[i+1]) {
		s = s[:i] + " " + s[i+1:]
	}
	if n := len(s); n > 6 && s[n-6] == ' ' && s[n-3] == ':' && strings.Count(s, ":") > 1 {
		return s[:n-6] + "+" + s[n-5:] // a + that was not escaped has become a blank
	}
	return s
}

func digit(c byte) bool { return '0' <= c && c <= '9' }

// known reports whether the zone of t is one: Go invents an offset of 0 for the name of a zone that it does not know.
func known(t time.Time) bool {
	name, offset := t.Zone()
	return name == "UTC" || name == "" || offset != 0 || name == "GMT" || !strings.ContainsFunc(name, letter)
}

func letter(r rune) bool { return 'A' <= r && r <= 'Z' || 'a' <= r && r <= 'z' }

// dated fills in the year where the date has none.
func dated(t time.Time, layout string, now time.Time) time.Time {
	if !strings.Contains(layout, "2006") {
		return t.AddDate(now.UTC().Year()-t.Year(), 0, 0)
	}
	return t
}
