package rules

import (
	"slices"

	"github.com/notifyd/notifyd/rules/postings"
	"github.com/notifyd/notifyd/rulespec"
)

// A predicate is what a rule says, without its negation; rules that say the same share one. It is known by its place in
// view.preds.
type predicate struct {
	form  form
	field uint8  // of a term: its place in rulespec.Fields
	at    uint32 // of a term: its value in view.names; of the others: where to find more in their list
}

// A form says how it is found out whether a predicate holds. Snapshots have these numbers: when they change,
// snapshotVersion must.
type form uint8

const (
	formRoot        form = iota // always holds
	formTerm                    // the event has this value in this field
	formAny                     // the event has one of several terms, of which each leads here
	formChecked                 // as formAny, and then the predicate is asked as well
	formSearched                // a search through names, or through texts for literals
	formUnindexed               // a search through all texts
	formRequirement             // the directory has this
	formOpaque                  // there is nothing to find it by: it is asked
)

// root is the predicate that always holds. What is posted under it is looked at for every event.
const root uint32 = 0

// A check is a predicate that is asked.
type check = func(*rulespec.Subject) (bool, error)

// indexed says whether the events that the predicate holds for are found without asking it.
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
	id := x.add(s)
	x.identities[s.identity] = id
	return id
}

// add makes the predicate of a rule that is no term.
func (x *Index) add(s *statement) uint32 {
	v := x.next
	p := s.predicate
	switch {
	case p.Keys != nil:
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
	case p.Search != nil:
		if id, ok := x.addSearch(p.Search); ok {
			return id
		}
	}
	v.preds = append(v.preds, predicate{form: formOpaque, at: uint32(len(v.checks))})
	v.checks = append(v.checks, p.Match)
	return uint32(len(v.preds) - 1)
}

// internTerm gives the predicate that holds for the events with a key.
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

// internRequirement gives the predicate that holds where the directory has need.
func (x *Index) internRequirement(need rulespec.Key) uint32 {
	name := "\x00" + need.Field + "\x00" + need.Value
	id, known := x.identities[name]
	if !known {
		v := x.next
		id = uint32(len(v.preds))
		v.preds = append(v.preds, predicate{form: formRequirement, at: uint32(len(v.requirements))})
		v.requirements = append(v.requirements, need)
		x.identities[name] = id
	}
	return id
}
