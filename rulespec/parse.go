package rulespec

import (
	"errors"
	"fmt"

	"github.com/goccy/go-yaml/ast"
)

// Parse reads filters in their text form, the YAML of doc/rules.md. It goes on after a mistake: the error joins an *Error
// for each, in the order of the text. What comes back beside an error never matches more than what was meant: a rule
// that could not be read stands in its filter as one of no kind.
func Parse(text []byte) (File, error) { return ParseIn(Env{}, text) }

// ParseIn is Parse with the kinds of messages that env knows. Its Owner is not looked at; each filter's is.
func ParseIn(env Env, text []byte) (File, error) {
	root, err := parseYAML(text)
	if err != nil {
		return File{}, err
	}
	env.Owner = Me
	r := &reader{env: env}
	file := r.file(root)
	return file, errors.Join(r.errs...)
}

// A reader walks the tree of a text and keeps the mistakes.
type reader struct {
	env    Env
	filter string // name of the filter being read
	errs   []error
}

func (r *reader) wrong(at place, problem string) { r.wrongRule(at, "", problem) }

func (r *reader) wrongRule(at place, kind, problem string) {
	r.errs = append(r.errs, &Error{Filter: r.filter, Line: at.line, Column: at.column, Kind: kind, Problem: problem})
}

// place keeps an *Error with the filter's name and its place.
func (r *reader) place(err error, at place) {
	var e *Error
	if errors.As(err, &e) {
		e.Filter, e.Line, e.Column = r.filter, at.line, at.column
		r.errs = append(r.errs, e)
	}
}

func (r *reader) file(root ast.Node) File {
	var file File
	seen := false
	for _, e := range r.entries(root, "the text is a mapping with the key `filters`") {
		if e.key == "destinations" {
			file.Destinations = r.destinations(e.value)
			continue
		}
		if e.key != "filters" {
			r.wrong(e.at, unknown("key", e.key, []string{"filters", "destinations"}))
			continue
		}
		seen = true
		list := r.items(e.value, "`filters` is a list")
		if len(list) > MaxFilters {
			r.wrong(e.at, fmt.Sprintf("has %d filters; at most %d are allowed in one text", len(list), MaxFilters))
			continue
		}
		for _, n := range list {
			file.Filters = append(file.Filters, r.fileFilter(n))
		}
	}
	if !seen && len(r.errs) == 0 {
		r.wrong(placeOf(root), "the key `filters` is missing")
	}
	return file
}

var filterKeys = []string{"name", "on", "once", "to", "owner", "rules"}

func (r *reader) fileFilter(n ast.Node) FileFilter {
	at := placeOf(n)
	f := FileFilter{On: true, Line: at.line}
	r.filter = ""
	entries := r.entries(n, "a filter is a mapping with the keys `name` and `rules`")
	// The name comes first so that every mistake can say whose it is.
	for _, e := range entries {
		if e.key == "name" {
			f.Name, _ = r.text(e.value)
			r.filter = f.Name
		}
	}
	if f.Name == "" && len(entries) > 0 {
		r.wrong(at, "a filter needs a `name`")
	}
	for _, e := range entries {
		switch e.key {
		case "name":
		case "on":
			f.On = r.truth(e)
		case "once":
			f.Once = r.truth(e)
		case "owner":
			f.Owner, _ = r.text(e.value)
		case "to":
			f.To = r.targets(e.value)
		case "rules":
			for _, item := range r.items(e.value, "`rules` is a list") {
				f.Rules = append(f.Rules, r.rule(item))
			}
		default:
			r.wrong(e.at, unknown("key", e.key, filterKeys))
		}
	}
	for _, err := range CheckShape(f.Filter) {
		r.place(err, at)
	}
	r.filter = ""
	return f
}

// targets reads where a filter delivers to.
func (r *reader) targets(n ast.Node) []string {
	values, _ := r.values(n)
	for _, v := range values {
		r.checkDestination(v, placeOf(n))
	}
	return values
}

func (r *reader) truth(e entry) bool {
	if b, ok := e.value.(*ast.BoolNode); ok {
		return b.Value
	}
	r.wrong(placeOf(e.value), "`"+e.key+"` is true or false")
	return false
}
