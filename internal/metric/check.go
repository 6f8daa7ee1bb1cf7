package metric

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strings"
	"unicode/utf8"
)

var (
	nameForm  = regexp.MustCompile(`^notifyd(_[a-z0-9]+)+$`)
	labelForm = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
)

// Check collects once and says what is wrong with the series that come; nil for nothing. Each is checked alone, and a
// name must have one Desc, and a series must come once.
func Check(collect func(Emit)) error {
	var errs []error
	descs, series := map[string]*Desc{}, map[string]bool{}
	collect(func(d *Desc, value float64, labels ...string) {
		if first, known := descs[d.Name]; !known {
			descs[d.Name] = d
			errs = append(errs, checkDesc(d))
		} else if first != d {
			errs = append(errs, fmt.Errorf("%s: described by two Descs, want one variable", d.Name))
		}
		key := fmt.Sprintf("%s%q", d.Name, labels)
		if series[key] {
			errs = append(errs, fmt.Errorf("%s: the series comes twice", key))
		}
		series[key] = true
		errs = append(errs, checkSeries(d, value, labels))
	})
	return errors.Join(errs...)
}

func checkDesc(d *Desc) error {
	switch {
	case !nameForm.MatchString(d.Name):
		return fmt.Errorf("%q: the name is not notifyd_ and words in small letters, joined by _", d.Name)
	case d.Type != Gauge && d.Type != Counter:
		return fmt.Errorf("%s: type %d is unknown", d.Name, d.Type)
	case strings.HasSuffix(d.Name, "_total") != (d.Type == Counter):
		return fmt.Errorf("%s: the name of a counter, and of no gauge, ends in _total", d.Name)
	case !strings.HasSuffix(d.Help, "."):
		return fmt.Errorf("%s: the help %q is no sentence", d.Name, d.Help)
	}
	seen := map[string]bool{}
	for _, label := range d.Labels {
		if !labelForm.MatchString(label) || strings.HasPrefix(label, "__") || seen[label] {
			return fmt.Errorf("%s: the label %q is not a word in small letters, or comes twice", d.Name, label)
		}
		seen[label] = true
	}
	return nil
}

func checkSeries(d *Desc, value float64, labels []string) error {
	switch {
	case len(labels) != len(d.Labels):
		return fmt.Errorf("%s: %d values for the labels %q", d.Name, len(labels), d.Labels)
	case math.IsNaN(value) || math.IsInf(value, 0):
		return fmt.Errorf("%s%q: the value is %v", d.Name, labels, value)
	case d.Type == Counter && value < 0:
		return fmt.Errorf("%s%q: the counter is %v", d.Name, labels, value)
	}
	for i, label := range labels {
		if !utf8.ValidString(label) {
			return fmt.Errorf("%s: the label %s is not UTF-8: %q", d.Name, d.Labels[i], label)
		}
	}
	return nil
}
