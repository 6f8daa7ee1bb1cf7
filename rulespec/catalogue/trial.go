package catalogue

import (
	"fmt"
	"strings"

	"github.com/notifyd/notifyd/bus"
)

// A Trial is a message seen through its entry, field by field, for the person who writes the entry.
type Trial struct {
	Event *Event
	Entry string // file:line of the entry; "" where none describes the message
	// Fields has every field of the entry and every variable that they need, as they came out.
	Fields []Outcome
}

// An Outcome is what one field of an entry came to for one message.
type Outcome struct {
	Field string // summary, users, vars.update, …; a list's items come one by one
	Text  string // "" where the field came out empty
	Err   error  // the field could not be computed
	at    position
}

// At gives the position of the field: file:line.
func (o Outcome) At() string { return o.at.String() }

// Try describes a message and tells how each field came out. It is for people: Describe is what messages go through.
func (c *Catalogue) Try(m *bus.Message) Trial {
	t := Trial{Event: c.Describe(m)}
	f, _ := c.find(m)
	if f == nil {
		return t
	}
	t.Entry = f.at.String()
	for _, v := range f.allValues() {
		if v == nil {
			continue
		}
		out := Outcome{Field: v.field, at: v.at}
		value, err := v.eval(f)
		if err != nil {
			out.Err = describeExprError(err)
		} else if v == f.when {
			out.Text = shown(truthy(value)) // what holds may be an object, which has no text
		} else {
			out.Text = shown(value)
		}
		t.Fields = append(t.Fields, out)
	}
	for _, p := range f.allProse() {
		if p == nil {
			continue
		}
		out := Outcome{Field: p.field, at: p.at}
		text, err := p.sentence.render(f)
		if out.Err = err; err == nil {
			out.Text = oneLine(text, maxLink)
		}
		if p != f.summary && out.Text != "" && cleanLink(out.Text) == "" {
			out.Text, out.Err = "", fmt.Errorf("%q is no absolute http or https URL", out.Text)
		}
		t.Fields = append(t.Fields, out)
	}
	t.Fields = append(t.Fields, f.tryPlural()...)
	return t
}

// tryPlural tells what the variables in the sentence about several came to.
func (f *frame) tryPlural() []Outcome {
	if f.plural == nil {
		return nil
	}
	var out []Outcome
	f.need(f.plural.needs)
	for _, name := range f.plural.needs {
		if v := f.scope[name]; v != nil {
			out = append(out, Outcome{Field: "." + name + " in plural", Text: shown(f.env[name]), at: v.at})
		}
	}
	return out
}

// shown gives a value as the sets take it: the names in it. A condition is what it holds.
func shown(v any) string {
	if b, ok := v.(bool); ok {
		return fmt.Sprint(b)
	}
	return strings.Join(cleanSet(appendTexts(nil, v, 0)), ", ")
}

func (e *entry) allProse() []*prose { return []*prose{e.summary, e.link, e.icon, e.secondaryIcon} }
