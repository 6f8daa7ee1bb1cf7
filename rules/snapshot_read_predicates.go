package rules

import (
	"encoding/binary"

	"github.com/notifyd/notifyd/rules/literals"
	"github.com/notifyd/notifyd/rules/sections"
	"github.com/notifyd/notifyd/rulespec"
)

// readInterned reads a section of predicates or of residuals.
func (s *snapshotReader) readInterned(c *sections.Section) error {
	if s.x.next.dictionary.used == 0 {
		s.makeRoom()
	}
	for c.Len() > 0 {
		if c.Kind == sectionPredicates {
			s.readPredicate(c)
		} else {
			s.readResidual(c)
		}
	}
	return c.Err()
}

// roomMost bounds the predicates that room is made for because the head tells of them.
const roomMost = 1 << 20

func (s *snapshotReader) makeRoom() {
	room := min(s.head.predicates, roomMost)
	size := 64
	for 3*size < 4*room {
		size *= 2
	}
	v := s.x.next
	v.dictionary = newDictionary(size)
	v.preds = append(make([]predicate, 0, room+1), v.preds...)
}

// readPredicate reads a predicate; its number is the next.
func (s *snapshotReader) readPredicate(c *sections.Section) {
	x := s.x
	id := uint32(len(x.next.preds))
	f := form(c.Byte())
	switch f {
	case formTerm:
		field := c.Below(len(rulespec.Fields))
		key := rulespec.Key{Field: rulespec.Fields[field], Value: c.Text()}
		if c.Err() == nil && x.internTerm(key) != id {
			c.Wrong("a term comes twice")
		}
	case formRequirement:
		key := rulespec.Key{Field: c.Text(), Value: c.Text()}
		if c.Err() == nil && x.internRequirement(key) != id {
			c.Wrong("a requirement comes twice")
		}
	case formAny, formChecked, formSearched, formUnindexed, formOpaque:
		s.named(c, f)
	default:
		c.Wrong("a predicate has the unknown form %d", f)
	}
}

// named reads a predicate that has an identity.
func (s *snapshotReader) named(c *sections.Section, f form) {
	x, identity := s.x, c.Text()
	if _, twice := x.identities[identity]; twice {
		c.Wrong("a predicate comes twice")
	}
	lazy := &lazyRule{env: x.env, identity: identity}
	id, ok := uint32(0), true
	switch f {
	case formSearched, formUnindexed:
		id, ok = s.search(c, lazy)
	default:
		p := &rulespec.Predicate{Match: lazy.match, Exact: f == formAny}
		if f != formOpaque {
			p.Keys = s.keys(c)
		}
		if c.Err() == nil {
			id = x.addPredicate(&statement{identity: identity, predicate: p})
		}
	}
	if c.Err() != nil {
		return
	}
	if x.identities[identity] = id; !ok || x.next.preds[id].form != f {
		c.Wrong("a predicate is not of the form that it says")
	}
}

// keys reads the terms of a predicate, which stand before it.
func (s *snapshotReader) keys(c *sections.Section) []rulespec.Key {
	v := s.x.next
	var keys []rulespec.Key
	for range c.Items() {
		p := v.preds[c.Below(len(v.preds))]
		if p.form != formTerm {
			c.Wrong("a predicate has a key that is no term")
			return nil
		}
		keys = append(keys, rulespec.Key{Field: rulespec.Fields[p.field], Value: string(v.names.at(p.at))})
	}
	if len(keys) == 0 {
		c.Wrong("a predicate has no keys")
	}
	return keys
}

// search reads what a search looks at and for, and makes the predicate.
func (s *snapshotReader) search(c *sections.Section, lazy *lazyRule) (id uint32, ok bool) {
	search := &rulespec.Search{Matches: lazy.matches}
	fields, texts := c.Below(1<<len(rulespec.Fields)), c.Below(1<<len(rulespec.Texts))
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
	search.Plain = c.Below(2) == 1
	search.Expression = c.Text()
	set, offsets := finders(c)
	var others [][]string
	for range c.Items() {
		others = append(others, c.Texts())
	}
	if len(search.Fields) == 0 {
		c.Wrong("a search has nothing to look at")
	}
	if c.Err() != nil {
		return 0, false
	}
	return s.x.addSearchBy(search, set, offsets, others)
}

// finders reads what a search is found by; nil: nothing.
func finders(c *sections.Section) (set []string, offsets []uint16) {
	for range c.Items() {
		literal, offset := c.Text(), c.Below(1<<16)
		if len(literal) < rulespec.MinLiteral || len(literal) > 1<<16-1 || !literals.ValidOffset(len(literal), int(offset)) {
			c.Wrong("a search is found by %d bytes at %d", len(literal), offset)
			return nil, nil
		}
		set, offsets = append(set, literal), append(offsets, uint16(offset))
	}
	return set, offsets
}

// readResidual reads a residual; its number is the next.
func (s *snapshotReader) readResidual(c *sections.Section) {
	conditions := []condition{}
	var key []byte
	for range c.Items() {
		one := condition(c.Below(2 * len(s.x.next.preds)))
		conditions, key = append(conditions, one), binary.LittleEndian.AppendUint32(key, uint32(one))
	}
	if _, twice := s.x.residuals[string(key)]; twice {
		c.Wrong("a residual comes twice")
	}
	if c.Err() == nil {
		s.x.addResidual(string(key), conditions)
	}
}
