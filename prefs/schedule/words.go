package schedule

import (
	"strings"
	"time"

	"github.com/notifyd/notifyd/internal/text"
)

// words.go says why a notice waits and until when. Every page, mail, line of IRC and command says it by HoldWords, so
// that one notice is never told in two ways.

// holdWords are the sentences, by the first word of a hold. args are the words behind it; at is when it ends: "07:00".
// A room that holds notices for another reason adds its word here.
var holdWords = map[string]func(args []string, at string) string{
	"":         func(_ []string, at string) string { return "waits until " + at },
	"digest":   func(_ []string, at string) string { return "waits: digest at " + at },
	"quiet":    func(_ []string, at string) string { return "waits: quiet hours until " + at },
	"pause":    pauseWords,
	"retry":    func(_ []string, at string) string { return "waits: it failed, tried again at " + at },
	"cap":      capWords,
	"surge":    surgeWords,
	"started":  startedWords,
	"away":     func(_ []string, at string) string { return "waits: you are not there; looked again at " + at },
	"barred":   func(_ []string, at string) string { return "waits: your program refuses notifyd; tried again at " + at },
	"turn":     func(_ []string, at string) string { return "waits: others are first, here at " + at },
	"fallback": func(_ []string, at string) string { return "waits: another destination failed, here at " + at },
}

// HoldWords says in words why a notice waits and until when: "waits: quiet hours until 07:00". hold is the Hold of a
// delivery, due when it ends. What is due already "goes now", whatever held it. An unknown hold is told by
// its time alone.
func HoldWords(hold string, due, now time.Time, zone *time.Location) string {
	if !due.After(now) {
		return "goes now"
	}
	fields := strings.Fields(hold)
	if len(fields) == 0 {
		fields = []string{""}
	}
	words := holdWords[fields[0]]
	if words == nil {
		words = holdWords[""]
	}
	at := Moment(due, now, zone)
	if fields[0] == "pause" {
		at = Date(due, now, zone)
	}
	return words(fields[1:], at)
}

func pauseWords(args []string, at string) string {
	if len(args) > 0 && args[0] == "drop" {
		return "held: paused until " + at + ", then thrown away"
	}
	return "held: paused until " + at
}

// capWords reads "60 10m": so many in so long.
func capWords(args []string, at string) string {
	many := "too many at once"
	if len(args) == 2 {
		if window, err := time.ParseDuration(args[1]); err == nil && window > 0 {
			many = args[0] + " in " + Span(window)
		}
	}
	return "held: " + many + ", one digest at " + at
}

// startedWords says that what has begun is told only if its end is late.
func startedWords(_ []string, at string) string {
	return "held: it has begun, and goes at " + at + " if it is not finished by then"
}

// Moment returns a moment to come, as short as it can be said: "07:00" within a day, "Mon 07:00" within a week, else
// with the date.
func Moment(t, now time.Time, zone *time.Location) string {
	local := t.In(zone)
	switch ahead := t.Sub(now); {
	case ahead < 24*time.Hour:
		return local.Format("15:04")
	case ahead < 6*24*time.Hour:
		return local.Format("Mon 15:04")
	case local.Year() == now.In(zone).Year():
		return local.Format("Mon 2 January 15:04")
	}
	return local.Format("Mon 2 January 2006 15:04")
}

// Date returns a moment with its date: "Mon 7 December 07:00".
func Date(t, now time.Time, zone *time.Location) string {
	if local := t.In(zone); local.Year() != now.In(zone).Year() {
		return local.Format("Mon 2 January 2006 15:04")
	}
	return t.In(zone).Format("Mon 2 January 15:04")
}

// Span returns a length of time in words: "10 minutes", "1 hour", "2 days".
func Span(d time.Duration) string {
	switch {
	case d >= 24*time.Hour && d%(24*time.Hour) == 0:
		return text.Plural(int(d/(24*time.Hour)), "day", "days")
	case d >= time.Hour && d%time.Hour == 0:
		return text.Plural(int(d/time.Hour), "hour", "hours")
	case d >= time.Minute && d%time.Minute == 0:
		return text.Plural(int(d/time.Minute), "minute", "minutes")
	case d >= time.Minute:
		return d.Round(time.Second).String()
	}
	return text.Plural(int(d/time.Second), "second", "seconds")
}
