package expression

import (
	"strings"

	"github.com/notifyd/notifyd/internal/text"
)

// value gives the text of a piece; "" where no place has one.
func (p piece) value(s Scope) string {
	for _, at := range p.places {
		v, _ := s.Look(at.kind, at.name).(string)
		for _, step := range p.steps {
			v = step.do(v)
		}
		if v != "" {
			return v
		}
	}
	return p.other
}

// Text gives the expression's text as one line, without control characters; "" where a value is missing.
func (e Expression) Text(s Scope) string {
	var b strings.Builder
	for _, p := range e.pieces {
		if p.places == nil {
			b.WriteString(p.text)
			continue
		}
		v := text.OneLine(p.value(s))
		if v == "" {
			return ""
		}
		b.WriteString(v)
	}
	return b.String()
}

// maxItems is how many words a list takes.
const maxItems = 200

// Value gives what a message has in a field: a list where the expression is one place that has or makes one, and else
// a text, of one place with its lines; nil where there is nothing.
func (e Expression) Value(s Scope) any {
	if len(e.pieces) != 1 || e.pieces[0].places == nil {
		return orNil(e.Text(s))
	}
	p := e.pieces[0]
	for _, at := range p.places {
		if list, ok := s.Look(at.kind, at.name).([]any); ok {
			return list
		}
	}
	if !p.list {
		return orNil(strings.TrimRight(text.Clean(p.value(s)), " \t\n"))
	}
	list := []any{}
	for _, word := range strings.FieldsFunc(text.OneLine(p.value(s)), func(r rune) bool { return r == ' ' || r == ',' }) {
		switch {
		case len(list) == maxItems:
			return list
		case p.item != "":
			list = append(list, map[string]any{p.item: word})
		default:
			list = append(list, word)
		}
	}
	return list
}

func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}
