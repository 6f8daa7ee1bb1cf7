package rulespec

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/notifyd/notifyd/internal/text"
)

// Error returns the mistake with its position: `line 3, column 9: filter "mine": package: no value`.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Line > 0 {
		fmt.Fprintf(&b, "line %d, column %d: ", e.Line, e.Column)
	}
	b.WriteString(e.Text())
	return b.String()
}

// Text is Error without the line and column, for callers that show the position in their own way.
func (e *Error) Text() string {
	var b strings.Builder
	if e.Filter != "" {
		fmt.Fprintf(&b, "filter %q: ", e.Filter)
	}
	if e.Kind != "" {
		b.WriteString(printable(e.Kind) + ": ")
	}
	if e.Param != "" {
		b.WriteString(printable(e.Param) + ": ")
	}
	b.WriteString(e.Problem)
	return b.String()
}

// problem makes an Error about one parameter; CompileRule adds the kind.
func problem(param, format string, args ...any) *Error {
	return &Error{Param: param, Problem: fmt.Sprintf(format, args...)}
}

// about sets the kind of the error, which must be an *Error; any other becomes one.
func about(kind *RuleKind, err error) error {
	var e *Error
	if !errors.As(err, &e) {
		return &Error{Kind: kind.Name, Problem: err.Error()}
	}
	e.Kind = kind.Name
	return e
}

// ofRule returns each error that err joins, with the filter and the number of the rule filled in.
func ofRule(f Filter, rule int, err error) []error {
	errs := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		errs = joined.Unwrap()
	}
	for _, err := range errs {
		var e *Error
		if errors.As(err, &e) {
			e.Filter, e.Rule = f.Name, rule+1
		}
	}
	return errs
}

// noSuch says that there is no thing of that name, and which of the known ones may be meant.
func noSuch(what, name string, known []string) string {
	s := "there is no " + what + " " + quoted(name)
	best, distance := "", 3
	for _, k := range known {
		if d := editDistance(name, k, distance); d < distance {
			best, distance = k, d
		}
	}
	switch {
	case best != "":
		return s + "; did you mean " + best + "?"
	case len(known) == 0:
		return s + "; it takes none"
	}
	return s + "; there is " + text.Series(known, "and")
}

// editDistance returns the Levenshtein distance of a and b (V. Levenshtein, 1966) in bytes, at most limit.
func editDistance(a, b string, limit int) int {
	if len(a) > len(b)+limit || len(b) > len(a)+limit {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return min(row[len(b)], limit)
}

func ruleKindNames() []string {
	names := make([]string, len(RuleKinds))
	for i, k := range RuleKinds {
		names[i] = k.Name
	}
	return names
}

func paramNames(kind *RuleKind) []string {
	names := make([]string, len(kind.Params))
	for i, p := range kind.Params {
		names[i] = p.Name
	}
	return names
}

func sortedNames(args Args) []string { return slices.Sorted(maps.Keys(args)) }
