package rulespec

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

func formatDestinations(b *strings.Builder, ds []FileDestination) {
	if len(ds) == 0 {
		return
	}
	b.WriteString("destinations:\n")
	for _, d := range ds {
		fmt.Fprintf(b, "  - to: %s\n", scalar(d.To))
		if d.Every != 0 {
			fmt.Fprintf(b, "    every: %s\n", duration(d.Every))
		}
		if d.Count != 0 {
			fmt.Fprintf(b, "    count: %d\n", d.Count)
		}
	}
}

// duration gives a length of time as people write it: 1h30m, not 1h30m0s.
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

// destinations reads the list of that name.
func (r *reader) destinations(n ast.Node) []FileDestination {
	list := r.items(n, "`destinations` is a list")
	if len(list) > MaxTargets {
		r.wrong(placeOf(n), fmt.Sprintf("has %d destinations; at most %d are allowed in one text", len(list), MaxTargets))
		return nil
	}
	var ds []FileDestination
	seen := map[string]bool{}
	for _, item := range list {
		d := r.destination(item)
		if seen[d.To] && d.To != "" {
			r.wrong(placeOf(item), "the destination "+quoted(d.To)+" stands twice")
		}
		seen[d.To] = true
		ds = append(ds, d)
	}
	return ds
}

var destinationKeys = []string{"to", "every", "count"}

func (r *reader) destination(n ast.Node) FileDestination {
	d := FileDestination{Line: placeOf(n).line}
	before := len(r.errs)
	for _, e := range r.entries(n, "a destination is a mapping with the key `to`") {
		switch e.key {
		case "to":
			if d.To, _ = r.text(e.value); d.To != "" {
				r.checkDestination(d.To, placeOf(e.value))
			}
		case "every":
			text, _ := r.text(e.value)
			every, err := time.ParseDuration(text)
			if text != "" && (err != nil || every <= 0) {
				r.wrong(placeOf(e.value), quoted(text)+" is no length of time; one is written 90m, 1h30m or 24h")
			}
			d.Every = every
		case "count":
			text, _ := r.text(e.value)
			count, err := strconv.Atoi(text)
			if text != "" && (err != nil || count <= 0) {
				r.wrong(placeOf(e.value), quoted(text)+" is no number of notices")
			}
			d.Count = count
		default:
			r.wrong(e.at, unknown("key", e.key, destinationKeys))
		}
	}
	if d.To == "" && len(r.errs) == before {
		r.wrong(placeOf(n), "a destination needs a `to`")
	}
	return d
}

// checkDestination holds a text to the form of a destination.
func (r *reader) checkDestination(to string, at place) {
	if backend, address, ok := strings.Cut(to, ":"); !ok || backend == "" || address == "" {
		r.wrong(at, quoted(to)+" is no destination; one is written backend:address, as in email:alice@example.org")
	}
}
