package rulespec

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

var kindField = &RuleKind{
	Name:  "field",
	Title: "Field of the data",
	Doc: "A field in the data of the message is there, or has one of the values. " +
		"For what the catalogue does not distinguish.",
	Params: []Param{
		{Name: "path", Title: "Field", Many: true,
			Doc: "The names that lead to it, with dots: update.critpath. On the way through a list, any of its elements."},
		{Name: "is", Title: "Value", Many: true, Optional: true,
			Doc: "A value or a pattern, as for packages. Without it: anything but null."},
		{Name: "topic", Title: "Topic", Many: true, Optional: true,
			Doc: "Only in messages whose topic fits, as in the rule about topics."},
		paramCase,
	},
	Compile:  compileField,
	Sentence: sentenceField,
}

// The bounds on the way to a field.
const (
	maxSteps  = 16   // names in a path
	maxValues = 1000 // values that are looked at
)

// A field is a compiled field rule.
type field struct {
	paths  [][]string
	is     *globs // nil: any
	topics *globs // nil: any
	fold   bool
}

func compileField(_ Env, args Args) (Predicate, error) {
	f := &field{fold: !slices.Contains(args["case"], caseSensitive)}
	for _, path := range args["path"] {
		steps := strings.Split(path, ".")
		if len(steps) > maxSteps || slices.Contains(steps, "") {
			return Predicate{}, problem("path",
				"%q is no path: want names with dots between them, at most %d, as in update.user.name", path, maxSteps)
		}
		f.paths = append(f.paths, steps)
	}
	var err error
	if f.is, err = f.globs("is", args); err != nil {
		return Predicate{}, err
	}
	if f.topics, err = optionalGlobs("topic", args["topic"]); err != nil {
		return Predicate{}, err
	}
	p := Predicate{Match: f.match, Why: f.why, Selectivity: selectivityAll, Cost: CostPattern}
	if f.topics != nil && len(f.topics.wild) == 0 {
		p.Keys, p.Selectivity = keys("topic", f.topics.names), selectivityOf(f.topics.names, selectivityTopic)
	}
	return p, nil
}

func (f *field) globs(param string, args Args) (*globs, error) {
	patterns := args[param]
	if f.fold {
		patterns = slices.Clone(patterns)
		for i, p := range patterns {
			patterns[i] = strings.ToLower(p)
		}
	}
	return optionalGlobs(param, patterns)
}

func optionalGlobs(param string, patterns []string) (*globs, error) {
	if len(patterns) == 0 {
		return nil, nil
	}
	return compileGlobs(param, patterns)
}

func (f *field) match(s *Subject) (bool, error) {
	if f.topics != nil {
		if ok, err := f.topics.match(s.Topic); !ok || err != nil {
			return false, err
		}
	}
	_, ok, err := f.find(s)
	return ok, err
}

// find returns the first value that matches. When none does and one could not be tried, it returns an error.
func (f *field) find(s *Subject) (found string, ok bool, untried error) {
	if s.Message == nil {
		return "", false, nil
	}
	left := maxValues
	for _, path := range f.paths {
		walk(s.Body, path, &left, func(value any) bool {
			var err error
			if found, ok, err = f.matches(value); err != nil {
				untried = err
			}
			return !ok
		})
		if ok {
			return found, true, nil
		}
	}
	if left < 0 {
		untried = fmt.Errorf("%w: there are more than %d values on the way to the field", ErrUnevaluable, maxValues)
	}
	return "", false, untried
}

// matches reports whether a value is one that the rule asks for, and returns its text.
func (f *field) matches(value any) (text string, ok bool, err error) {
	text, scalar := scalarText(value)
	if f.is == nil {
		return text, value != nil, nil
	}
	if !scalar {
		return "", false, nil
	}
	tried := text
	if f.fold {
		tried = strings.ToLower(text)
	}
	ok, err = f.is.match(tried)
	return text, ok, err
}

// walk calls yield with the values at path, in the order of their lists, until yield returns false.
func walk(v any, path []string, left *int, yield func(any) bool) bool {
	if *left--; *left < 0 {
		return false
	}
	if list, ok := v.([]any); ok {
		for _, item := range list {
			if !walk(item, path, left, yield) {
				return false
			}
		}
		// A list at the end of the path is a value itself, even when it is empty.
		return len(path) > 0 || yield(v)
	}
	if len(path) == 0 {
		return yield(v)
	}
	if object, ok := v.(map[string]any); ok {
		if value, there := object[path[0]]; there {
			return walk(value, path[1:], left, yield)
		}
	}
	return true
}

// scalarText returns a text, a number as the sender wrote it, or true and false. Nothing else is a scalar.
func scalarText(v any) (text string, ok bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	case int, int64, uint64, float64: // a message made in Go, not decoded
		return fmt.Sprint(v), true
	}
	return "", false
}

func (f *field) why(s *Subject) string {
	name := "field"
	if len(f.paths) > 0 {
		name = strings.Join(f.paths[0], ".")
	}
	found, ok, _ := f.find(s)
	switch {
	case !ok:
		return "no such value of " + word(name)
	case found == "":
		return word(name) + " is there"
	}
	return word(name) + " is " + word(found)
}

func sentenceField(args Args, not bool) string {
	what := "there"
	if len(args["is"]) > 0 {
		what = either(args["is"])
	}
	if len(args["topic"]) == 0 {
		return "the field " + either(args["path"]) + " " + is(not) + what
	}
	text := "the field " + either(args["path"]) + " is " + what + " in a message whose topic fits " + either(args["topic"])
	if not {
		return "it is not so that " + text
	}
	return text
}
