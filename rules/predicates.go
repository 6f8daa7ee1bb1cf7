package rules

import (
	"slices"

	"github.com/notifyd/notifyd/rules/postings"
	"github.com/notifyd/notifyd/rulespec"
)

// A predicate is what a rule says, without its negation. Rules that say the same share one. Its number is its index in
// view.preds.
type predicate struct {
	form  form
	field uint8  // of a term: its index in rulespec.Fields
	at    uint32 // of a term: where its value is in view.names; of the others: an index in the list of their form
}

// A form is the way in which it is found out whether a predicate holds. Snapshots have these numbers: when they change,
// snapshotVersion must.
type form uint8

const (
	formRoot        form = iota // it always holds
	formTerm                    // the event has this value in this field
	formAny                     // the event has one of several terms, which have it among their parents
	formChecked                 // as formAny, and the predicate must be asked as well
	formSearched                // a search through names, or through texts that have certain literals
	formUnindexed               // a search through all texts
	formRequirement             // the directory has what a predicate requires
	formOpaque                  // nothing leads to it: it must be asked
)

// root is the predicate that always holds. Filters that are posted under it are candidates for every event.
const root uint32 = 0

// A check asks a predicate of package rulespec.
type check = func(*rulespec.Subject) (bool, error)

// indexed says that the events which the predicate holds for are found without asking it.
func (p predicate) indexed() bool {
	return p.form == formTerm || p.form == formAny || p.form == formChecked || p.form == formSearched
}

// intern gives the predicate of what a rule says.
func (x *Index) intern(s *statement) uint32 {
	if !s.interned {
		s.id, s.interned = x.internNew(s), true
		s.predicate = nil
	}
	return s.id
}

func (x *Index) internNew(s *statement) uint32 {
	if s.predicate.Exact && len(s.predicate.Keys) == 1 {
		return x.internTerm(s.predicate.Keys[0])
	}
	if id, known := x.identities[s.identity]; known {
		return id
	}
	id := x.addPredicate(s)
	x.identities[s.identity] = id
	return id
}

// addPredicate makes the predicate of a rule that is no term.
func (x *Index) addPredicate(s *statement) uint32 {
	switch p := s.predicate; {
	case p.Keys != nil:
		return x.addParent(p)
	case p.Search != nil:
		if id, ok := x.addSearch(p.Search); ok {
			return id
		}
	}
	v := x.next
	v.preds = append(v.preds, predicate{form: formOpaque, at: uint32(len(v.checks))})
	v.checks = append(v.checks, s.predicate.Match)
	return uint32(len(v.preds) - 1)
}

// addParent makes a predicate that is found by its keys, as a parent of their terms.
func (x *Index) addParent(p *rulespec.Predicate) uint32 {
	v := x.next
	terms := make([]uint32, len(p.Keys))
	for i, k := range p.Keys {
		terms[i] = x.internTerm(k)
	}
	id := uint32(len(v.preds))
	if p.Exact {
		v.preds = append(v.preds, predicate{form: formAny})
	} else {
		v.preds = append(v.preds, predicate{form: formChecked, at: uint32(len(v.checks))})
		v.checks = append(v.checks, p.Match)
	}
	for _, t := range terms {
		x.queue.Post(parentsShard, t, postings.Parents, id)
	}
	return id
}

// internTerm gives the predicate that an event has a key.
func (x *Index) internTerm(k rulespec.Key) uint32 {
	v := x.next
	field := uint8(slices.Index(rulespec.Fields, k.Field))
	if id, known := v.dictionary.find(v, field, k.Value); known {
		return id
	}
	id := uint32(len(v.preds))
	v.preds = append(v.preds, predicate{form: formTerm, field: field, at: v.names.add(k.Value)})
	v.dictionary = v.dictionary.add(v, field, k.Value, id)
	v.fields[field].terms = true
	return id
}

// internRequirement gives the predicate that the directory has a key.
func (x *Index) internRequirement(k rulespec.Key) uint32 {
	identity := "\x00" + k.Field + "\x00" + k.Value
	id, known := x.identities[identity]
	if !known {
		v := x.next
		id = uint32(len(v.preds))
		v.preds = append(v.preds, predicate{form: formRequirement, at: uint32(len(v.requirements))})
		v.requirements = append(v.requirements, k)
		x.identities[identity] = id
	}
	return id
}
