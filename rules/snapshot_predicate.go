package rules

import (
	"fmt"
	"sync"

	"github.com/notifyd/notifyd/rulespec"
)

// predicate reads one; its number is the next.
func (s *snapshotReader) predicate(c *section) {
	x := s.x
	id := uint32(len(x.next.preds))
	f := form(c.byte())
	switch f {
	case formTerm:
		field := c.below(len(rulespec.Fields))
		if value := c.text(); c.err == nil && x.internTerm(rulespec.Key{Field: rulespec.Fields[field], Value: value}) != id {
			c.wrong("a term comes twice")
		}
	case formNeed:
		if need := (rulespec.Key{Field: c.text(), Value: c.text()}); c.err == nil && x.internNeed(need) != id {
			c.wrong("a need comes twice")
		}
	case formAny, formChecked, formSearched, formLoose, formOpaque:
		s.named(c, f)
	default:
		c.wrong("a predicate has the unknown form %d", f)
	}
}

// named reads a predicate that has an identity.
func (s *snapshotReader) named(c *section, f form) {
	x, identity := s.x, c.text()
	if _, twice := x.named[identity]; twice {
		c.wrong("a predicate comes twice")
	}
	compiled := &lateRule{env: x.env, identity: identity}
	made := &statement{identity: identity, predicate: rulespec.Predicate{Match: compiled.match, Sure: f == formAny}}
	switch f {
	case formAny, formChecked:
		made.predicate.Keys = s.keys(c)
	case formSearched, formLoose:
		made.predicate.Search = s.search(c)
		made.predicate.Search.Fits = compiled.fits
	}
	if c.err != nil {
		return
	}
	id := x.add(made)
	if x.named[identity] = id; x.next.preds[id].form != f {
		c.wrong("a predicate is not of the form that it says")
	}
}

// keys reads the terms of a predicate, which stand before it.
func (s *snapshotReader) keys(c *section) []rulespec.Key {
	v := s.x.next
	var keys []rulespec.Key
	for range c.list() {
		p := v.preds[c.below(len(v.preds))]
		if p.form != formTerm {
			c.wrong("a predicate has a key that is no term")
			return nil
		}
		keys = append(keys, rulespec.Key{Field: rulespec.Fields[p.field], Value: string(v.names.at(p.at))})
	}
	if len(keys) == 0 {
		c.wrong("a predicate has no keys")
	}
	return keys
}

// search reads what a search looks at and for.
func (s *snapshotReader) search(c *section) *rulespec.Search {
	search := new(rulespec.Search)
	fields, texts := c.below(1<<len(rulespec.Fields)), c.below(1<<len(rulespec.Texts))
	for i, name := range rulespec.Fields {
		if fields>>i&1 == 1 {
			search.Fields = append(search.Fields, name)
		}
	}
	for i, name := range rulespec.Texts {
		if texts>>i&1 == 1 {
			search.Fields = append(search.Fields, name)
		}
	}
	search.Plain = c.below(2) == 1
	search.Expression = c.text()
	for range c.list() {
		set := c.texts()
		for _, l := range set {
			if len(l) > 1<<16-1 {
				c.wrong("a literal of %d bytes is too long", len(l))
			}
		}
		search.Literals = append(search.Literals, set)
	}
	if len(search.Fields) == 0 {
		c.wrong("a search has nothing to look at")
	}
	return search
}

// A lateRule is a rule that is compiled when somebody asks it.
type lateRule struct {
	env      rulespec.Env
	identity string
	once     sync.Once
	compiled rulespec.Predicate
	err      error
}

func (l *lateRule) compile() error {
	l.once.Do(func() {
		r, owner := ruleOf(l.identity)
		l.env.Owner = owner
		if l.compiled, l.err = rulespec.CompileRule(l.env, r); l.err != nil {
			l.err = fmt.Errorf("%w: %w", rulespec.ErrUnevaluable, l.err)
		}
	})
	return l.err
}

func (l *lateRule) match(s *rulespec.Subject) (bool, error) {
	if err := l.compile(); err != nil {
		return false, err
	}
	return l.compiled.Match(s)
}

func (l *lateRule) fits(text string) (bool, error) {
	if err := l.compile(); err != nil {
		return false, err
	}
	if l.compiled.Search == nil {
		return false, fmt.Errorf("%w: it is no search", rulespec.ErrUnevaluable)
	}
	return l.compiled.Search.Fits(text)
}
