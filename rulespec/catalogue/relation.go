package catalogue

import "strings"

// A Relation is how an Event is told together with others in a digest. The zero Relation stands for the convention: events
// about the same objects, or of the same kind and actor, belong together.
type Relation struct {
	Keys   []string            // events of one application that share a key belong together; the most particular first
	Plural []Part              // the sentence about several of them; nil: one by convention
	Values map[string][]string // what Plural names, of this event
}

// A Part is a piece of the sentence about several events: a text, or a name and how it is shown. The names are count,
// failures, actors, users, packages, objects, and those of Values.
type Part struct {
	Text   string // shown as it is; then Name is empty
	Name   string // the series of its values over all events
	Sum    bool   // show what the values add up to
	One    string // with Many: show a number and the word that fits it
	Many   string
	If     string // show the part only where this name stands for something
	Unless string // show it only where this name stands for nothing
}

// The bounds on a Relation.
const (
	maxParts  = 40
	maxShared = 50 // values of one name
	maxValue  = 80 // runes of one
)

// Relation says what the event has in common with others; computed once, on the first call.
func (e *Event) Relation() Relation {
	e.Prose() // the variables of a message are computed by one goroutine: this waits for whoever does
	e.related.Do(func() {
		if e.relate != nil {
			e.relation = e.relate()
		}
	})
	return e.relation
}

func (f *frame) relate() Relation {
	var r Relation
	for _, v := range f.group {
		r.Keys = append(r.Keys, keyOf(appendTexts(nil, f.eval(v), 0)))
	}
	if f.plural == nil {
		return r
	}
	r.Plural = f.plural.parts
	f.need(f.plural.needs)
	for _, name := range f.plural.needs {
		values := appendTexts(nil, f.env[name], 0)
		for i, v := range values {
			values[i] = oneLine(v, maxValue)
		}
		if values = cleanSet(values); len(values) > 0 {
			if r.Values == nil {
				r.Values = make(map[string][]string, len(f.plural.needs))
			}
			r.Values[name] = values[:min(len(values), maxShared)]
		}
	}
	return r
}

// keyOf makes one key of the texts of a list, such that no two lists give the same. A key that shows a gap where a field of the
// message is missing, such as "comments on ", or that is too long, is none: it would be shared by messages that have nothing in common.
func keyOf(texts []string) string {
	for i, t := range texts {
		if t == "" || strings.Contains(t, "  ") || strings.ContainsAny(t[len(t)-1:], " /#") {
			return ""
		}
		texts[i] = cleanName(t)
	}
	if key := strings.Join(texts, "\x1f"); len(key) <= maxName {
		return key
	}
	return ""
}
