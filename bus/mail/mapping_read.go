package mail

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/goccy/go-yaml/ast"

	"github.com/notifyd/notifyd/bus/expression"
	"github.com/notifyd/notifyd/internal/yamltext"
)

// bounds are those of a file of a mapping.
var bounds = yamltext.Bounds{Bytes: 64 << 10, Nesting: 20}

// A reader reads a mapping, and keeps the first mistake.
type reader struct {
	yamltext.Reader
	mistake error
}

// read reads a mapping, and checks it. Mistakes in the text have a position.
func (m *mapping) read(text []byte) error {
	root, err := yamltext.Parse(text, bounds)
	if err != nil {
		return err
	}
	r := &reader{}
	r.Report = func(at yamltext.Position, problem string) {
		if r.mistake == nil {
			r.mistake = &yamltext.Error{Position: at, Problem: problem}
		}
	}
	seen := map[string]bool{}
	for _, e := range r.Mapping(root, "a mapping with the keys when, topic and fields was expected") {
		r.key(m, e)
		seen[e.Key] = true
	}
	switch {
	case r.mistake != nil:
		return r.mistake
	case !mappingName.MatchString(m.name):
		return errors.New("a name of small letters, digits, _ and - was expected")
	case !seen["topic"]:
		return errors.New("topic: an expression was expected")
	case len(m.when) == 0 && !m.named:
		return errors.New("when: expressions were expected, or named: true, or every mail would be taken")
	case len(m.fields) == 0:
		return errors.New("fields: some were expected")
	case !seen["id"]:
		m.id, err = expression.Parse("{id}", Kinds)
	}
	return err
}

// key reads the value of a key.
func (r *reader) key(m *mapping, e yamltext.Entry) {
	switch e.Key {
	case "doc":
		r.Text(e.Value, "doc is a sentence")
	case "order":
		m.order = int(scalar(r, e.Value, "order is a number", func(s string) (int64, error) {
			return strconv.ParseInt(s, 10, 32)
		}))
	case "named":
		m.named = scalar(r, e.Value, "named is true or false", strconv.ParseBool)
	case "automatic":
		m.automatic = scalar(r, e.Value, "automatic is true or false", strconv.ParseBool)
	case "when":
		m.when = r.conditions(e)
	case "unless":
		m.unless = r.conditions(e)
	case "topic":
		m.topic = r.expression(e.Value, e.Key).Expression
	case "id":
		m.id = r.expression(e.Value, e.Key).Expression
	case "fields":
		m.fields = r.object(e.Value, e.Key, 0)
	default:
		r.Report(e.Position(), fmt.Sprintf("%q is no key: doc, order, when, unless, named, automatic, topic, id or fields "+
			"was expected", e.Key))
	}
}

// scalar reads a value that is not text.
func scalar[T any](r *reader, n ast.Node, expected string, parse func(string) (T, error)) (value T) {
	text, ok := r.Text(n, expected)
	if !ok {
		return value
	}
	value, err := parse(text)
	if err != nil {
		r.Wrong(n, expected)
	}
	return value
}

func (r *reader) conditions(e yamltext.Entry) (all []condition) {
	for _, n := range r.List(e.Value, e.Key+" is a list of expressions") {
		all = append(all, r.expression(n, e.Key))
	}
	return all
}

// expression reads an expression. key is where it stands.
func (r *reader) expression(n ast.Node, key string) condition {
	source, ok := r.Text(n, key+" is an expression")
	if !ok {
		return condition{}
	}
	e, err := expression.Parse(source, Kinds)
	if err != nil {
		r.Report(yamltext.PositionOf(n), key+": "+err.Error())
	}
	return condition{e, source}
}

// maxNested is how deep objects may be in each other.
const maxNested = 5

// object reads the fields of an object.
func (r *reader) object(n ast.Node, key string, depth int) object {
	made := object{}
	for _, e := range r.Mapping(n, key+" is an object of expressions") {
		at := key + "." + e.Key
		_, isObject := yamltext.Entries(e.Value)
		switch {
		case !isObject:
			made[e.Key] = value{expression: r.expression(e.Value, at).Expression}
		case depth == maxNested:
			r.Report(e.Position(), fmt.Sprintf("%s: objects deeper than %d in each other", at, maxNested))
		default:
			made[e.Key] = value{object: r.object(e.Value, at, depth+1)}
		}
	}
	return made
}
