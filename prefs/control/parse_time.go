package control

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/notifyd/notifyd/internal/text"
)

// The bounds on a mute.
const (
	minMute = time.Hour
	maxMute = 366 * day
	day     = 24 * time.Hour
)

// units are the lengths of time, by how people call them.
var units = map[string]time.Duration{
	"m": time.Minute, "min": time.Minute, "mins": time.Minute, "minute": time.Minute, "minutes": time.Minute,
	"h": time.Hour, "hr": time.Hour, "hrs": time.Hour, "hour": time.Hour, "hours": time.Hour,
	"d": day, "day": day, "days": day, "w": 7 * day, "week": 7 * day, "weeks": 7 * day,
	"month": 30 * day, "months": 30 * day, "mo": 30 * day, "y": 365 * day, "year": 365 * day, "years": 365 * day,
}

// when reads how long, or until when.
func (p *parser) when(word string) error {
	switch word {
	case "for":
		if len(p.rest) > 1 {
			p.rest = p.rest[1:]
			return p.duration(strings.ToLower(p.rest[0]))
		}
		return nil
	case "until", "till", "til":
		if len(p.rest) < 2 {
			return p.mistake("Until when?")
		}
		p.rest = p.rest[1:]
		return p.until(strings.ToLower(p.rest[0]))
	}
	return p.duration(word)
}

// duration reads "2h", "2 hours", "a week".
func (p *parser) duration(word string) error {
	if p.said() {
		return nil
	}
	digits := strings.TrimRight(word, "abcdefghijklmnopqrstuvwxyz")
	unit, used := word[len(digits):], 1
	if word == "a" || word == "an" || word == "one" {
		digits, unit = "1", ""
	}
	if unit == "" && len(p.rest) > 1 {
		unit, used = strings.ToLower(p.rest[1]), 2
	}
	n, err := strconv.Atoi(digits)
	each := units[unit]
	if err != nil || each == 0 {
		return nil
	}
	if n < 1 || n > 10_000 || time.Duration(n) > (10*365*day)/each {
		return p.mistake(quote(digits+" "+unit) + " is no time that can be meant.")
	}
	p.order.For, p.rest = time.Duration(n)*each, p.rest[used:]
	return nil
}

func (p *parser) said() bool { return p.order.For != 0 || !p.order.Until.IsZero() || p.order.Solved }

// until reads "solved", "07:00", "tomorrow", "monday", "2026-12-24", each of these days with a time of day.
func (p *parser) until(word string) error {
	local := p.now.In(p.zone)
	if p.said() {
		return p.mistake("There are two times in it.")
	}
	if word == "it" || word == "it's" || word == "its" { // until it is solved
		for len(p.rest) > 1 && word != "solved" {
			p.rest = p.rest[1:]
			word = strings.ToLower(p.rest[0])
		}
	}
	if word == "solved" || word == "closed" || word == "fixed" {
		p.order.Solved, p.rest = true, p.rest[1:]
		return nil
	}
	if at, ok := clockOf(word); ok {
		p.rest = p.rest[1:]
		p.order.Until = at.on(local, p.zone)
		if !p.order.Until.After(p.now) {
			p.order.Until = at.on(local.AddDate(0, 0, 1), p.zone)
		}
		return nil
	}
	date, ok := dayOf(word, local)
	if !ok {
		return p.mistake("I do not know when " + quote(word) + " is.")
	}
	p.rest = p.rest[1:]
	if len(p.rest) > 1 && strings.EqualFold(p.rest[0], "at") {
		p.rest = p.rest[1:]
	}
	at := clock{}
	if len(p.rest) > 0 {
		if said, ok := clockOf(strings.ToLower(p.rest[0])); ok {
			at, p.rest = said, p.rest[1:]
		}
	}
	if p.order.Until = at.on(date, p.zone); !p.order.Until.After(p.now) {
		return p.mistake(date.Format("2 January 2006") + " is over.")
	}
	return nil
}

// dayOf reads a day: "tomorrow", a weekday (the next one), a date.
func dayOf(word string, local time.Time) (time.Time, bool) {
	if word == "tomorrow" {
		return local.AddDate(0, 0, 1), true
	}
	for ahead := 1; ahead <= 7; ahead++ {
		date := local.AddDate(0, 0, ahead)
		name := strings.ToLower(date.Weekday().String())
		if word == name || word == name[:3] {
			return date, true
		}
	}
	date, err := time.Parse(time.DateOnly, text.CutBytes(word, 10))
	return date, err == nil && len(word) == len(time.DateOnly)
}

// A clock is a time of day.
type clock struct{ hour, minute int }

// clockOf reads "07:00" and "7:00".
func clockOf(word string) (clock, bool) {
	t, err := time.Parse("15:04", word)
	return clock{t.Hour(), t.Minute()}, err == nil && len(word) <= 5
}

func (c clock) on(date time.Time, zone *time.Location) time.Time {
	return time.Date(date.Year(), date.Month(), date.Day(), c.hour, c.minute, 0, 0, zone)
}

func (c clock) text() string { return fmt.Sprintf("%02d:%02d", c.hour, c.minute) }
