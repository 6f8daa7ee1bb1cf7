package rules

import (
	"slices"

	"github.com/notifyd/notifyd/rules/literals"
	"github.com/notifyd/notifyd/rules/postings"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// Find puts the filters that e matches into r. dir is the directory as it stood when e came, and may be nil: then what
// asks it cannot be evaluated.
func (x *Index) Find(r *Result, e *catalogue.Event, dir rulespec.Directory) {
	s, _ := x.states.Get().(*matchState)
	if s == nil {
		s = new(matchState)
	}
	v := x.current.Load()
	s.begin(v, rulespec.Subject{Event: e, Directory: dir})
	s.assign(root, holds)
	s.lookUp()
	s.readTexts()
	s.ask()
	r.reset(v)
	s.collect(r)
	v.programs.settle(&s.account)
	s.end()
	x.states.Put(s)
}

// Match gives the ids of the filters that e matches, ascending: Find for those who want no more than that.
func (x *Index) Match(e *catalogue.Event, dir rulespec.Directory) []rulespec.FilterID {
	var r Result
	x.Find(&r, e, dir)
	ids := r.AppendTo(nil)
	slices.Sort(ids)
	return ids
}

// lookUp finds the terms that the event has, their parents, and the searches that its names fit.
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
				s.probes = append(s.probes, probe{field: uint8(i), value: value, hash: v.dictionary.hash(uint8(i), value)})
			}
			if f.names != nil {
				r := s.remember(f, value)
				for _, id := range r.hold {
					s.assign(id, holds)
				}
				for _, id := range r.unknown {
					s.assign(id, unknown)
				}
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
			s.parents(p.ref)
		}
	}
}

// parentsShard is the shard with the lists of postings.Parents: predicates have no owner.
const parentsShard = 0

// parents notes the predicates of which a term is one of the keys.
func (s *matchState) parents(place uint32) {
	lists, large := s.view.shards[parentsShard].Read(place)
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

// readTexts finds the searches whose literals are in the event's texts.
func (s *matchState) readTexts() {
	g := s.view.texts
	for i, name := range rulespec.Texts {
		if s.view.searched&(1<<i) == 0 {
			continue
		}
		s.texts[i] = s.Text(name)
		s.folded[i] = literals.Pad(rulespec.Fold(s.folded[i][:0], s.texts[i]))
		s.ascii[i] = len(s.folded[i]) == len(s.texts[i]) && isASCII(s.folded[i])
		s.grams[i].Reset()
		if g == nil {
			continue
		}
		g.Scan(s.folded[i], func(e *literals.Entry, at int) {
			if e.Texts&(1<<i) != 0 {
				s.found(e, i, at)
			}
		})
	}
}

// ask asks the predicates that something is posted under: first those that take little, then those that may take much.
func (s *matchState) ask() {
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
		s.hold = append(s.hold, id)
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
