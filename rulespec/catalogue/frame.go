package catalogue

import (
	"strings"

	"github.com/notifyd/notifyd/bus"
)

// A frame is one message seen through one entry: the variables computed so far. One goroutine at a time uses it.
type frame struct {
	*entry
	catalogue *Catalogue
	topic     topic
	source    *bus.Message
	message   any            // the body
	env       map[string]any // the variables, by name; what is given only where something has asked for it
	actorName string

	stack   []any  // arguments of the calls under way
	element any    // of the loop under way, in expressions
	dot     any    // in sentences
	out     []byte // the sentence under way
	holes   []int  // where it has nothing to say
	visited int    // elements that loops have looked at
}

func (c *Catalogue) frame(e *entry, m *bus.Message, t topic) *frame {
	f := &frame{entry: e, catalogue: c, topic: t, source: m, message: m.Body, env: map[string]any{}}
	for _, p := range e.patterns {
		if p.captured && p.fits(t.words) {
			p.captures(t.words, func(name, value string) { f.env[name] = value })
			break
		}
	}
	return f
}

func (f *frame) holds() bool { return f.when == nil || truthy(f.eval(f.when)) }

// variable gives a variable, computed when it is first asked for.
func (f *frame) variable(name string) any {
	v, have := f.env[name]
	if have || f.entry == nil {
		return v
	}
	if table, ok := f.app.tables[name]; ok {
		v = table
	} else if named := f.scope[name]; named != nil {
		v = f.eval(named.value)
	} else {
		v = f.given(name)
	}
	f.env[name] = v
	return v
}

// given gives what every expression knows.
func (f *frame) given(name string) any {
	switch name {
	case "msg":
		return f.message
	case "headers":
		return f.source.Headers
	case "username":
		return f.source.Username
	case "root":
		return f.topic.root
	case "environment":
		return f.topic.environment
	case "topic":
		return f.topic.title
	case accountsName:
		return f.catalogue.accounts
	}
	return nil
}

// need computes the variables named, for a machine that wants all of them beforehand.
func (f *frame) need(names []string) {
	for _, name := range names {
		f.variable(name)
	}
}

// eval gives an expression's value; nil and one more failure where it has none.
func (f *frame) eval(v *value) any {
	out, err := v.eval(f)
	if err != nil {
		f.catalogue.failed(f.app, v.origin)
		return nil
	}
	return out
}

func (f *frame) names(values []*value) []string {
	var out []string
	for _, v := range values {
		out = appendTexts(out, f.eval(v), 0)
	}
	return out
}

// fill computes what matching needs. What the sender states in the headers goes before what the body is taken to mean.
func (f *frame) fill(e *Event, stated stated) {
	e.App, e.Kind, e.KindName = f.app.name, f.kind, f.name
	if f.actor != nil {
		e.Actor = actorOf(f.eval(f.actor))
		f.actorName = e.Actor
	}
	users := stated.users
	if len(users) == 0 {
		users = f.names(f.users)
	}
	e.Users = cleanSet(append(users, e.Actor))
	e.Packages = stated.packages
	if len(e.Packages) == 0 {
		e.Packages = f.names(f.packages)
	}
	e.Packages = cleanSet(e.Packages)
	objects := f.names(f.objects)
	e.Thread = firstName(objects)
	e.Objects = cleanSet(objects)
	e.Severity = f.severityOf(stated)
}

func (f *frame) severityOf(stated stated) Severity {
	if f.constant != 0 {
		return f.constant
	}
	if f.severity != nil {
		if s, ok := severityOf(f.eval(f.severity)); ok {
			return s
		}
	}
	if stated.severity != 0 {
		return stated.severity
	}
	return Info
}

// actorOf gives the one name in a value: the first where there are several.
func actorOf(v any) string {
	names := appendTexts(nil, v, 0)
	if len(names) == 0 || len(names[0]) > maxName {
		return ""
	}
	return cleanName(names[0])
}

func (f *frame) prose() Prose {
	summary := oneLine(strings.ReplaceAll(f.render(f.summary), noValue, ""), maxSummary)
	broken := f.broken()
	p := Prose{
		Summary:       summary,
		Link:          cleanLink(f.render(f.link)),
		Icon:          f.app.icon,
		SecondaryIcon: cleanLink(f.render(f.secondaryIcon)),
	}
	if f.icon != nil {
		p.Icon = cleanLink(f.render(f.icon))
	}
	if broken { // the conventional sentence says what there is
		p.Summary = ""
		if gapped(p.Link) {
			p.Link = ""
		}
	}
	if f.secondaryIcon == nil {
		p.SecondaryIcon = avatar(f.actorName)
	}
	return p
}

func (f *frame) render(p *prose) string {
	if p == nil {
		return ""
	}
	out, err := p.sentence.render(f)
	if err != nil {
		f.catalogue.failed(f.app, p.origin)
		return ""
	}
	return out
}
