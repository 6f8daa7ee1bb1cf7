package rules

import (
	"slices"

	"github.com/notifyd/notifyd/rules/postings"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// Find puts the filters that e matches into r. dir is the directory as it stood when e came, and may be nil: then
// predicates that require something of it are unknown.
func (x *Index) Find(r *Result, e *catalogue.Event, dir rulespec.Directory) {
	s, _ := x.states.Get().(*matchState)
	if s == nil {
		s = new(matchState)
	}
	v := x.current.Load()
	s.begin(v, rulespec.Subject{Event: e, Directory: dir}, x.budget)
	s.assign(root, holds)
	s.lookUp()
	s.scanTexts()
	s.verify()
	r.reset(v)
	s.collect(r)
	x.budget.settle(&s.account)
	s.end()
	x.states.Put(s)
}

// Match gives the ids of the filters that e matches, ascending: Find for callers who want no more than that.
func (x *Index) Match(e *catalogue.Event, dir rulespec.Directory) []rulespec.FilterID {
	var r Result
	x.Find(&r, e, dir)
	ids := r.AppendTo(nil)
	slices.Sort(ids)
	return ids
}

// lookUp finds the terms that the event has, their parents, and the searches that match its names.
func (s *matchState) lookUp() {
	v := s.view
	s.probes = s.probes[:0]
	for i := range rulespec.Fields {
		f := &v.fields[i]
		if !f.terms && f.names == nil {
			continue
		}
		s.values = s.AppendValues(s.values[:0], rulespec.Fields[i])
		for _, value := range s.values {
			if f.terms {
				hash := v.dictionary.hash(uint8(i), value)
				s.probes = append(s.probes, probe{field: uint8(i), value: value, hash: hash})
			}
			if f.names != nil {
				s.assignName(s.lookUpName(f, value))
			}
		}
	}
	v.dictionary.findAll(v, s.probes)
	for i := range s.probes {
		if p := &s.probes[i]; p.known && s.mark(p.id) == undecided {
			s.assign(p.id, holds)
			p.ref = v.shards[parentsShard].Ref(p.id)
			if residual := v.termResidual.At(p.id); residual != 0 {
				s.singles = append(s.singles, residual)
			}
		}
	}
	for i := range s.probes {
		if p := &s.probes[i]; p.ref != 0 {
			s.lookUpParents(p.ref)
		}
	}
}

// parentsShard is the shard with the lists of postings.Parents, since predicates have no owner.
const parentsShard = 0

// lookUpParents finds the predicates that have a term among their keys.
func (s *matchState) lookUpParents(ref uint32) {
	lists, large := s.view.shards[parentsShard].Read(ref)
	if lists.Len() > 0 && lists.Residual(0) == postings.Parents {
		s.assignParents(lists.List(0))
	}
	if large != nil && len(large.Residuals) > 0 && large.Residuals[0] == postings.Parents {
		for _, ids := range large.Blocks(0) {
			s.assignParents(ids)
		}
	}
}

func (s *matchState) assignParents(ids []uint32) {
	for _, id := range ids {
		if s.view.preds[id].form == formAny {
			s.assign(id, holds)
		} else {
			s.assign(id, unverified)
		}
	}
}

// verify decides the candidates under which filters are posted: first those that cost little, then those that may cost
// much.
func (s *matchState) verify() {
	s.deferred = s.deferred[:0]
	for _, c := range s.candidates {
		if s.view.posted(c.id) {
			if s.occurrence = c; s.marks[c.id]>>repeatBit&1 == 1 {
				s.occurrence.size = 0
			}
			s.decided(c.id, s.decide(c.id, byMachine))
		}
	}
	s.occurrence = candidate{}
	for _, id := range s.deferred {
		s.decided(id, s.decide(id, byRegexp))
	}
}

func (s *matchState) decided(id uint32, to state) {
	switch to {
	case holds:
		s.holding = append(s.holding, id)
	case unknown:
		s.unknown = append(s.unknown, id)
	case unverified:
		s.deferred = append(s.deferred, id)
	}
}

// posted says whether anything is posted under a predicate.
func (v *view) posted(id uint32) bool {
	for i := range v.shards {
		if v.shards[i].Ref(id) != 0 {
			return true
		}
	}
	return false
}
