package rulespec

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/notifyd/notifyd/internal/yamltext"
)

// Parse reads filters in their text form, the YAML of doc/rules.md, and checks each with Check. It goes on after a
// mistake: the error joins an *Error for each, in the order of the text. A File is returned beside an error too. Its
// filters match no more than was meant, because a rule that could not be read becomes a rule of no kind.
func Parse(env Env, text []byte) (File, error) {
	root, err := yamltext.Parse(text, yamltext.Bounds{Bytes: MaxText, Nesting: maxNesting})
	if err != nil {
		return File{}, syntaxError(err)
	}
	if root == nil {
		return File{}, &Error{Line: 1, Column: 1, Problem: "the text is empty; the key `filters` is missing"}
	}
	r := &reader{env: env, texts: map[string]int{}}
	r.Report = r.wrong
	file := r.file(root)
	slices.SortStableFunc(r.errs, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	errs := make([]error, len(r.errs))
	for i, e := range r.errs {
		errs[i] = e
	}
	return file, errors.Join(errs...)
}

// maxNesting bounds the depth of a text. The form itself needs seven.
const maxNesting = 20

func syntaxError(err error) error {
	var e *yamltext.Error
	if !errors.As(err, &e) {
		return &Error{Problem: err.Error()}
	}
	return &Error{Line: e.Line, Column: e.Column, Problem: e.Problem}
}

// A reader walks the tree of a text and collects the mistakes.
type reader struct {
	yamltext.Reader
	env    Env
	filter string         // name of the filter being read
	rules  []ruleAt       // its rules
	texts  map[string]int // expressions over texts in the filters so far, by owner
	errs   []*Error
}

func (r *reader) wrong(at yamltext.Position, problem string) {
	r.errs = append(r.errs, &Error{Filter: r.filter, Line: at.Line, Column: at.Column, Problem: problem})
}

func (r *reader) file(root ast.Node) File {
	var file File
	seen := false
	for _, e := range r.Mapping(root, "the text is a mapping with the key `filters`") {
		if e.Key == "destinations" {
			file.Destinations = r.destinations("destinations", e.Value)
			continue
		}
		if e.Key != "filters" {
			r.wrong(e.Position(), noSuch("key", e.Key, []string{"filters", "destinations"}))
			continue
		}
		seen = true
		list := r.List(e.Value, "`filters` is a list")
		if len(list) > MaxFilters {
			r.wrong(e.Position(), fmt.Sprintf("has %d filters; at most %d are allowed in one text", len(list), MaxFilters))
			continue
		}
		for _, n := range list {
			file.Filters = append(file.Filters, r.fileFilter(n))
		}
	}
	if !seen && len(r.errs) == 0 {
		r.wrong(yamltext.PositionOf(root), "the key `filters` is missing")
	}
	return file
}

var filterKeys = []string{"name", "on", "once", "hold_started", "ends", "to", "when", "owner", "rules"}

func (r *reader) fileFilter(n ast.Node) FileFilter {
	at := yamltext.PositionOf(n)
	f := FileFilter{On: true, Line: at.Line}
	r.filter, r.rules = "", nil
	entries := r.Mapping(n, "a filter is a mapping with the keys `name` and `rules`")
	// The name is read first, so that every mistake can name the filter.
	for _, e := range entries {
		if e.Key == "name" {
			f.Name, _ = r.text(e.Value)
			r.filter = f.Name
		}
	}
	if f.Name == "" && len(entries) > 0 {
		r.wrong(at, "a filter needs a `name`")
	}
	for _, e := range entries {
		switch e.Key {
		case "name":
		case "on":
			f.On = r.truth(e)
		case "once":
			f.Once = r.truth(e)
		case "hold_started":
			f.HoldStarted = r.every(e.Value)
		case "ends":
			f.Ends = r.end(e.Value)
		case "owner":
			f.Owner, _ = r.text(e.Value)
		case "to":
			f.To = r.targets(e.Value)
		case "when":
			f.When = r.destinations("when", e.Value)
		case "rules":
			for _, item := range r.List(e.Value, "`rules` is a list") {
				rule, at := r.rule(item)
				f.Rules, r.rules = append(f.Rules, rule), append(r.rules, at)
			}
		default:
			r.wrong(e.Position(), noSuch("key", e.Key, filterKeys))
		}
	}
	r.check(f.Filter, at)
	r.filter = ""
	return f
}

// ReadRules reads the rules of one filter where they stand in a text of another form, such as a report, and checks them
// as Parse does. report gets each mistake.
func ReadRules(env Env, list ast.Node, report func(at yamltext.Position, problem string)) []Rule {
	r := &reader{env: env, texts: map[string]int{}}
	r.Report = r.wrong
	var f Filter
	for _, item := range r.List(list, "`rules` is a list") {
		rule, at := r.rule(item)
		f.Rules, r.rules = append(f.Rules, rule), append(r.rules, at)
	}
	if len(r.errs) == 0 || len(f.Rules) > 0 {
		r.check(f, yamltext.PositionOf(list))
	}
	for _, e := range r.errs {
		report(yamltext.Position{Line: e.Line, Column: e.Column}, e.Text())
	}
	return f.Rules
}

// check reports the mistakes that Check finds in a filter, each at its position; at is that of the filter.
func (r *reader) check(f Filter, at yamltext.Position) {
	errs := append(Check(r.env, f), CheckTexts(f, r.texts[f.Owner]))
	r.texts[f.Owner] += CountTexts(f.Rules)
	for _, err := range errs {
		var e *Error
		if !errors.As(err, &e) {
			continue
		}
		where := at
		if e.Rule > 0 {
			rule := r.rules[e.Rule-1]
			if rule.unread {
				continue
			}
			where = rule.position(e.Param)
		}
		e.Line, e.Column = where.Line, where.Column
		r.errs = append(r.errs, e)
	}
}

// targets reads the destinations of a filter.
func (r *reader) targets(n ast.Node) []string {
	values, _ := r.values(n)
	for _, v := range values {
		r.checkDestination(v, yamltext.PositionOf(n))
	}
	return values
}

func (r *reader) truth(e yamltext.Entry) bool {
	if b, ok := e.Value.(*ast.BoolNode); ok {
		return b.Value
	}
	r.wrong(yamltext.PositionOf(e.Value), "`"+e.Key+"` is true or false")
	return false
}

// end reads when a filter ends.
func (r *reader) end(n ast.Node) string {
	s, ok := r.text(n)
	for _, form := range []string{time.DateOnly, time.RFC3339} {
		if _, err := time.Parse(form, s); ok && err == nil {
			return s
		}
	}
	if ok {
		r.wrong(yamltext.PositionOf(n), "`ends` is a date such as 2026-12-24, or a time such as 2026-12-24T18:00:00+01:00")
	}
	return ""
}

// values reads a text, or a list of texts.
func (r *reader) values(n ast.Node) ([]string, bool) {
	list, isList := n.(*ast.SequenceNode)
	if !isList {
		v, ok := r.text(n)
		return []string{v}, ok
	}
	var values []string
	for _, item := range list.Values {
		v, ok := r.text(item)
		if !ok {
			return nil, false
		}
		values = append(values, v)
	}
	return values, true
}

// text reads a scalar as it is written: 389 is the text "389", true the text "true".
func (r *reader) text(n ast.Node) (string, bool) {
	s, ok := r.Text(n, "a text belongs here")
	if !ok {
		return "", false
	}
	if wrong := checkText(s); wrong != "" {
		r.wrong(yamltext.PositionOf(n), wrong)
		return "", false
	}
	return s, true
}
