package catalogue

import (
	"fmt"
	"strings"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// A Trial is a message seen through its entry, field by field, for the person who writes the entry.
type Trial struct {
	Event *Event
	Entry string // file:line of the entry; "" where none describes the message
	// Fields has every field of the entry and every variable that they need, as they came out.
	Fields []Outcome
	// Link says which link became the event's: "f.yaml:9", "by convention", or "" where it has none.
	Link string
}

// An Outcome is the result of one field of an entry for one message.
type Outcome struct {
	Field string // summary, users, vars.update, …; a list's items come one by one
	Text  string // "" where the field came out empty
	Err   error  // the field could not be computed
	// Unfit says why what came out cannot be used, though nothing failed: "www.example.org" is no whole link. Text is "".
	Unfit string
	at    position
	// people says that the field asks who is meant: without the accounts of the site it may be empty.
	people bool
}

// At gives the position of the field: file:line.
func (o Outcome) At() string { return o.at.String() }

// Try describes a message and gives the outcome of each field. It is for people who write entries, and slower than
// Describe.
func (c *Catalogue) Try(m *bus.Message) Trial {
	t := Trial{Event: c.Describe(m)}
	s, _ := c.find(m)
	if s == nil {
		return t
	}
	t.Entry = s.at.String()
	for _, v := range s.allValues() {
		if v == nil {
			continue
		}
		out := Outcome{Field: v.field, at: v.at, people: v.role || s.asksAccounts(v.Needs(), 0)}
		value, err := v.Eval(&s.Scope)
		if err != nil {
			out.Err = err
		} else if v == s.when {
			out.Text = shown(values.Truthy(value)) // a condition may be an object, which has no text
		} else {
			out.Text = shown(value)
		}
		t.Fields = append(t.Fields, out)
	}
	for _, p := range s.allProse() {
		if p == nil {
			continue
		}
		out := Outcome{Field: p.field, at: p.at}
		text, err := p.Render(&s.Scope)
		if out.Err = err; err == nil {
			out.Text = values.Line(text, values.MaxLink)
		}
		switch {
		case p == s.summary && err == nil:
			out.Text = values.Line(s.Mended(s.actorSource()), maxSummary)
		case out.Text != "" && !s.Whole():
			out.Text, out.Unfit = "", "nothing is there for "+strings.Join(s.LeftOut(), ", ")
		case out.Text != "" && wholeLink(out.Text, m.Body) == "":
			out.Text, out.Unfit = "", fmt.Sprintf("%q is no whole http or https URL", out.Text)
		}
		t.Fields = append(t.Fields, out)
	}
	t.Fields = append(t.Fields, s.tryDigest()...)
	t.Link = t.linkFrom()
	return t
}

// linkFrom gives where the link of the event comes from.
func (t *Trial) linkFrom() string {
	for _, o := range t.Fields {
		if o.Field == "link" && o.Text != "" {
			return o.At()
		}
	}
	if t.Event.Prose().Link != "" {
		return "by convention"
	}
	return ""
}

// tryDigest gives the outcome of the variables in the sentence about several events.
func (s *scope) tryDigest() []Outcome {
	if s.entry.digest == nil {
		return nil
	}
	var out []Outcome
	for _, name := range s.entry.digest.Needs {
		if v := s.vars[name]; v != nil {
			out = append(out, Outcome{Field: "." + name + " in plural", Text: shown(s.Variable(name)), at: v.at})
		}
	}
	return out
}

// shown gives the names in a value, as the sets take them, and true or false for a condition.
func shown(v any) string {
	if b, ok := v.(bool); ok {
		return fmt.Sprint(b)
	}
	return strings.Join(values.Set(values.Texts(v)), ", ")
}
