package catalogue

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Severity is how much a message matters, ordered: Debug < Info < Warning < Error < Critical. The first four are those
// of fedora-messaging (10, 20, 30, 40).
type Severity int

// The severities. Info is what a kind has when its entry says nothing.
const (
	Debug    Severity = 10
	Info     Severity = 20
	Warning  Severity = 30
	Error    Severity = 40
	Critical Severity = 50
)

// severityNames are the words for the severities, ascending.
var severityNames = []struct {
	severity Severity
	name     string
}{{Debug, "debug"}, {Info, "info"}, {Warning, "warning"}, {Error, "error"}, {Critical, "critical"}}

// String gives the severity's word, or its number where it is none of the five.
func (s Severity) String() string {
	for _, n := range severityNames {
		if n.severity == s {
			return n.name
		}
	}
	return strconv.Itoa(int(s))
}

// ParseSeverity reads a severity's word, in any case.
func ParseSeverity(s string) (Severity, error) {
	for _, n := range severityNames {
		if strings.EqualFold(n.name, strings.TrimSpace(s)) {
			return n.severity, nil
		}
	}
	return 0, fmt.Errorf("unknown severity %q: want debug, info, warning, error or critical", s)
}

// severityOf reads a severity from a value of a message: a word, or a number, which is rounded down to one of the five
// (fedora-messaging knows 10, 20, 30 and 40 and lets a sender put anything there).
func severityOf(v any) (Severity, bool) {
	var number float64
	switch v := v.(type) {
	case Severity:
		return v, true
	case int:
		number = float64(v)
	case int64:
		number = float64(v)
	case float64:
		number = v
	case json.Number:
		f, err := v.Float64()
		if err != nil {
			return 0, false
		}
		number = f
	case string:
		if s, err := ParseSeverity(v); err == nil {
			return s, true
		}
		f, err := strconv.ParseFloat(v, 64)
		if err != nil {
			return 0, false
		}
		number = f
	default:
		return 0, false
	}
	return roundSeverity(number)
}

func roundSeverity(number float64) (Severity, bool) {
	if !(number >= 0 && number < 1000) {
		return 0, false
	}
	found := Debug
	for _, n := range severityNames {
		if float64(n.severity) <= number {
			found = n.severity
		}
	}
	return found, true
}
