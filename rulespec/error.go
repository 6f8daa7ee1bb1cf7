package rulespec

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Error gives the mistake with its place: `line 3, column 9: filter "mine": package: no value`.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Line > 0 {
		fmt.Fprintf(&b, "line %d, column %d: ", e.Line, e.Column)
	}
	b.WriteString(e.Text())
	return b.String()
}

// Text is Error without the line and column, for those who show the place in their own way.
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

// printable gives s with nothing that could break a line: what it cannot show it quotes, and what is too long it cuts.
func printable(s string) string {
	if len(s) <= MaxValue+2 && utf8.ValidString(s) && strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0 {
		return s
	}
	return quoted(s)
}
