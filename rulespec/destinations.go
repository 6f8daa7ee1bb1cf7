package rulespec

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/notifyd/notifyd/internal/yamltext"
)

// formatDestinations writes destinations with their schedules, under a key and behind an indent.
func formatDestinations(b *strings.Builder, indent, key string, ds []FileDestination) {
	if len(ds) == 0 {
		return
	}
	fmt.Fprintf(b, "%s%s:\n", indent, key)
	indent += "    "
	for _, d := range ds {
		fmt.Fprintf(b, "%s- to: %s\n", indent[:len(indent)-2], scalar(d.To))
		if d.Every != 0 {
			fmt.Fprintf(b, "%severy: %s\n", indent, duration(d.Every))
		}
		if d.Count != 0 {
			fmt.Fprintf(b, "%scount: %d\n", indent, d.Count)
		}
		if d.At != "" {
			fmt.Fprintf(b, "%sat: %s\n", indent, scalar(d.At))
		}
		if len(d.Days) > 0 {
			fmt.Fprintf(b, "%sdays: [%s]\n", indent, strings.Join(dayNames(d.Days), ", "))
		}
		if d.AtOnceFrom != "" {
			fmt.Fprintf(b, "%sat_once_from: %s\n", indent, scalar(d.AtOnceFrom))
		}
		if d.First {
			fmt.Fprintf(b, "%sfirst: true\n", indent)
		}
		if d.Quiet != "" {
			fmt.Fprintf(b, "%squiet: %s\n", indent, scalar(d.Quiet))
		}
	}
}

// duration returns a length of time as people write it: 1h30m, not 1h30m0s.
func duration(d time.Duration) string {
	text := d.String()
	if short, ok := strings.CutSuffix(text, "m0s"); ok {
		text = short + "m"
	}
	if short, ok := strings.CutSuffix(text, "h0m"); ok {
		text = short + "h"
	}
	return text
}

// destinations reads a list of destinations with their schedules.
func (r *reader) destinations(key string, n ast.Node) []FileDestination {
	list := r.List(n, "`"+key+"` is a list")
	if len(list) > MaxTargets {
		r.wrong(yamltext.PositionOf(n),
			fmt.Sprintf("has %d destinations; at most %d are allowed in one text", len(list), MaxTargets))
		return nil
	}
	var ds []FileDestination
	seen := map[string]bool{}
	for _, item := range list {
		d := r.destination(item)
		if seen[d.To] && d.To != "" {
			r.wrong(yamltext.PositionOf(item), "the destination "+quoted(d.To)+" stands twice")
		}
		seen[d.To] = true
		if key == "when" && d.Quiet != "" {
			r.wrong(yamltext.PositionOf(item), "`quiet` is of a destination, not of a filter")
		}
		ds = append(ds, d)
	}
	return ds
}

var destinationKeys = []string{"to", "every", "count", "at", "days", "at_once_from", "first", "quiet"}

func (r *reader) destination(n ast.Node) FileDestination {
	d := FileDestination{Line: yamltext.PositionOf(n).Line}
	before := len(r.errs)
	for _, e := range r.Mapping(n, "a destination is a mapping with the key `to`") {
		switch e.Key {
		case "to":
			if d.To, _ = r.text(e.Value); d.To != "" {
				r.checkDestination(d.To, yamltext.PositionOf(e.Value))
			}
		case "every":
			d.Every = r.every(e.Value)
		case "count":
			text, _ := r.text(e.Value)
			count, err := strconv.Atoi(text)
			if text != "" && (err != nil || count <= 0) {
				r.wrong(yamltext.PositionOf(e.Value), quoted(text)+" is no number of notices")
			}
			d.Count = count
		case "at":
			d.At = r.times(e.Value)
		case "days":
			d.Days = r.days(e.Value)
		case "at_once_from":
			d.AtOnceFrom, _ = r.text(e.Value)
		case "first":
			d.First = r.truth(e)
		case "quiet":
			d.Quiet, _ = r.text(e.Value)
		default:
			r.wrong(e.Position(), noSuch("key", e.Key, destinationKeys))
		}
	}
	switch {
	case len(r.errs) > before:
	case d.To == "":
		r.wrong(yamltext.PositionOf(n), "a destination needs a `to`")
	case len(d.Days) > 0 && d.At == "":
		r.wrong(yamltext.PositionOf(n), "`days` say nothing without `at`, the time of day")
	}
	return d
}

// times reads times of day: 07:00, or several with commas between them.
func (r *reader) times(n ast.Node) string {
	text, _ := r.text(n)
	var times []string
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		if _, err := time.Parse("15:04", part); text != "" && (err != nil || len(part) != len("15:04")) {
			r.wrong(yamltext.PositionOf(n), quoted(part)+" is no time of day; one is written 07:00 or 18:30")
		}
		times = append(times, part)
	}
	return strings.Join(times, ",")
}

func (r *reader) every(n ast.Node) time.Duration {
	text, _ := r.text(n)
	every, err := time.ParseDuration(text)
	if text != "" && (err != nil || every <= 0) {
		r.wrong(yamltext.PositionOf(n), quoted(text)+" is no length of time; one is written 90m, 1h30m or 24h")
	}
	return every
}

// week has the names of the days, in the order in which Format writes them.
var week = []struct {
	name string
	day  time.Weekday
}{
	{"monday", time.Monday}, {"tuesday", time.Tuesday}, {"wednesday", time.Wednesday}, {"thursday", time.Thursday},
	{"friday", time.Friday}, {"saturday", time.Saturday}, {"sunday", time.Sunday},
}

func dayNames(days []time.Weekday) []string {
	var names []string
	for _, w := range week {
		if slices.Contains(days, w.day) {
			names = append(names, w.name)
		}
	}
	return names
}

// days reads days of the week and returns them in the order of the week.
func (r *reader) days(n ast.Node) []time.Weekday {
	names, ok := r.values(n)
	if !ok {
		return nil
	}
	var days []time.Weekday
	for _, w := range week {
		if slices.Contains(names, w.name) {
			days = append(days, w.day)
		}
	}
	if len(days) != len(names) || len(names) == 0 {
		r.wrong(yamltext.PositionOf(n), "`days` is a list of days of the week, each once, written monday, tuesday and so on")
	}
	return days
}

// checkDestination reports a text that has not the form of a destination.
func (r *reader) checkDestination(to string, at yamltext.Position) {
	if backend, address, ok := strings.Cut(to, ":"); !ok || backend == "" || address == "" {
		r.wrong(at, quoted(to)+" is no destination; one is written backend:address, as in email:alice@example.org")
	}
}
