package catalogue

import (
	"strings"

	"github.com/notifyd/notifyd/rulespec/catalogue/language"
	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// A Digest is how an Event joins others in one sentence. The zero Digest stands for the convention: events about the
// same objects, or of the same kind and actor, belong together.
type Digest struct {
	Keys     []string              // events of one application that share a key belong together; most particular first
	Template []language.DigestPart // the sentence about several of them; nil: one by convention
	Values   map[string][]string   // what Template names, of this event
}

// The bounds on a Digest.
const (
	maxShared = 50 // values of one name
	maxValue  = 80 // runes of one
)

// Digest gives what the event has in common with others. It is computed once, on the first call.
func (e *Event) Digest() Digest {
	e.Prose() // one goroutine at a time computes the variables of a message, and Prose waits for the one that does
	e.digestOnce.Do(func() {
		if e.digestOf != nil {
			e.digest = e.digestOf()
		}
	})
	return e.digest
}

func (s *scope) digestOf() Digest {
	var d Digest
	for _, v := range s.group {
		d.Keys = append(d.Keys, keyOf(values.Texts(s.eval(v))))
	}
	if s.entry.digest == nil {
		return d
	}
	d.Template = s.entry.digest.Parts
	for _, name := range s.entry.digest.Needs {
		v := s.Variable(name)
		if !s.Read(v) {
			if variable := s.vars[name]; variable != nil {
				s.catalogue.failed(s.app, variable.origin)
			}
			return Digest{}
		}
		texts := values.Texts(v)
		for i, text := range texts {
			texts[i] = values.Line(text, maxValue)
		}
		if texts = values.Set(texts); len(texts) > 0 {
			if d.Values == nil {
				d.Values = make(map[string][]string, len(s.entry.digest.Needs))
			}
			d.Values[name] = texts[:min(len(texts), maxShared)]
		}
	}
	return d
}

// keyOf makes one key of the texts of a list; different lists give different keys. It gives none where a text shows a
// gap for a missing field, such as "comments on ", or is too long: messages that have nothing in common would share
// that key.
func keyOf(texts []string) string {
	for i, t := range texts {
		if t == "" || strings.Contains(t, "  ") || strings.ContainsAny(t[len(t)-1:], " /#") {
			return ""
		}
		texts[i] = values.Name(t)
	}
	if key := strings.Join(texts, "\x1f"); len(key) <= values.MaxName {
		return key
	}
	return ""
}
