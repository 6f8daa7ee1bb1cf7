package rules

import (
	"slices"

	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// Find puts the filters that e matches into r. dir is the directory as it stood when e came, and may be nil: then what
// asks it cannot be evaluated.
func (x *Index) Find(r *Result, e *catalogue.Event, dir rulespec.Directory) {
	s, _ := x.scratch.Get().(*scratch)
	if s == nil {
		s = new(scratch)
	}
	v := x.current.Load()
	s.begin(v, rulespec.Subject{Event: e, Directory: dir})
	s.note(root, holds)
	s.lookUp()
	s.readTexts()
	s.ask()
	r.reset(v)
	s.collect(r)
	v.programs.settle(&s.meter)
	s.end()
	x.scratch.Put(s)
}

// lookUp finds the terms that the event has, the predicates above them, and the searches that its names fit.
func (s *scratch) lookUp() {
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
				s.probes = append(s.probes, probe{field: uint8(i), value: value, hash: v.terms.hash(uint8(i), value)})
			}
			if f.names != nil {
				r := s.remember(f, value)
				for _, id := range r.hold {
					s.note(id, holds)
				}
				for _, id := range r.untold {
					s.note(id, untold)
				}
			}
		}
	}
	v.terms.findAll(v, s.probes)
	for i := range s.probes {
		if p := &s.probes[i]; p.known && s.mark(p.id) == unknown {
			s.note(p.id, holds)
			p.place = v.shards[aboveShard].nodes.at(p.id)
			if sig := v.single.at(p.id); sig != 0 {
				s.single = append(s.single, sig)
			}
		}
	}
	for i := range s.probes {
		if p := &s.probes[i]; p.place != 0 {
			s.above(p.place)
		}
	}
}

// above notes the predicates of which a term is one of the keys.
func (s *scratch) above(place uint32) {
	sh := &s.view.shards[aboveShard]
	f, l := sh.read(place)
	if f.runs() > 0 && f.sig(0) == sigAbove {
		s.noteAbove(f.run(0))
	}
	if l != nil && len(l.groups) > 0 && l.groups[0].sig == sigAbove {
		for _, ids := range l.groups[0].blocks {
			s.noteAbove(ids)
		}
	}
}

func (s *scratch) noteAbove(ids []uint32) {
	for _, id := range ids {
		if s.view.preds[id].form == formAny {
			s.note(id, holds)
		} else {
			s.note(id, maybe)
		}
	}
}

// readTexts finds the searches whose literals are in the event's texts.
func (s *scratch) readTexts() {
	g := s.view.texts
	for i, name := range rulespec.Texts {
		if s.view.searched&(1<<i) == 0 {
			continue
		}
		s.texts[i] = s.Text(name)
		s.folded[i] = padded(rulespec.Fold(s.folded[i][:0], s.texts[i]))
		s.ascii[i] = len(s.folded[i]) == len(s.texts[i]) && isASCII(s.folded[i])
		s.stretches[i].reset()
		if g == nil {
			continue
		}
		g.scan(s.folded[i], func(e *gram, at int) {
			if e.texts&(1<<i) != 0 {
				s.hit(e, i, at)
			}
		})
	}
}

// ask asks the predicates that something hangs from: first those that take little, then those that may take much.
func (s *scratch) ask() {
	s.later = s.later[:0]
	for _, c := range s.maybe {
		if s.view.hangs(c.id) {
			if s.near = c; s.marks[c.id]>>againBit&1 == 1 {
				s.near.size = 0
			}
			s.tell(c.id, s.decide(c.id, byMachine))
		}
	}
	s.near = candidate{}
	for _, id := range s.later {
		s.tell(id, s.decide(id, byRegexp))
	}
}

func (s *scratch) tell(id uint32, to state) {
	switch to {
	case holds:
		s.hold = append(s.hold, id)
	case untold:
		s.untold = append(s.untold, id)
	case maybe:
		s.later = append(s.later, id)
	}
}

// hangs says whether anything stands at a predicate.
func (v *view) hangs(id uint32) bool {
	for i := range v.shards {
		if v.shards[i].nodes.at(id) != 0 {
			return true
		}
	}
	return false
}

// A spot is what stands at a predicate in a shard.
type spot struct {
	shard *shard
	place uint32
	told  bool // the predicate holds; otherwise it cannot be evaluated
	flat  flat
	large *large
}

// collect puts what hangs from the predicates that hold into r, as far as the signatures hold. It goes through the
// predicates several times, so that the processor need not wait for one place in memory after the other.
func (s *scratch) collect(r *Result) {
	s.spots = s.spots[:0]
	for told, list := range [2][]uint32{s.untold, s.hold} {
		for i := range s.view.shards {
			sh := &s.view.shards[i]
			for _, id := range list {
				if place := sh.nodes.at(id); place != 0 {
					s.spots = append(s.spots, spot{shard: sh, place: place, told: told == 1})
				}
			}
		}
	}
	for i := range s.spots {
		p := &s.spots[i]
		p.flat, p.large = p.shard.read(p.place)
	}
	r.dead = r.dead[:0]
	killers := 0
	for i := range s.spots {
		if s.collectAt(r, &s.spots[i]) {
			killers++
		}
	}
	if killers > 1 {
		slices.Sort(r.dead)
		r.dead = slices.Compact(r.dead)
	}
}

// collectAt is collect for one spot, and says whether it kills.
func (s *scratch) collectAt(r *Result, p *spot) (kills bool) {
	if p.large != nil {
		kills = s.collectLarge(r, p.large, p.told)
	}
	i, n := 0, p.flat.runs()
	for ; i < n && p.flat.sig(i) < sigFirst; i++ {
		if p.flat.sig(i) == sigKilled {
			r.dead, kills = append(r.dead, p.flat.run(i)...), true
		}
	}
	switch {
	case !p.told || i == n:
	case p.flat.eachOneTerm():
		for _, sig := range s.single {
			if at, found := p.flat.search(sig); found {
				r.runs = append(r.runs, p.flat.run(at))
			}
		}
	default:
		for ; i < n; i++ {
			if s.signature(p.flat.sig(i)) {
				r.runs = append(r.runs, p.flat.run(i))
			}
		}
	}
	return kills
}

func (s *scratch) collectLarge(r *Result, l *large, told bool) (kills bool) {
	i := 0
	for ; i < len(l.sigs) && l.sigs[i] < sigFirst; i++ {
		if l.sigs[i] == sigKilled {
			for _, b := range l.groups[i].blocks {
				r.dead, kills = append(r.dead, b...), true
			}
		}
	}
	switch {
	case !told:
	case l.eachOneTerm:
		for _, sig := range s.single {
			if at, found := l.group(sig); found {
				r.runs = append(r.runs, l.groups[at].blocks...)
			}
		}
	default:
		for ; i < len(l.sigs); i++ {
			if s.signature(l.sigs[i]) {
				r.runs = append(r.runs, l.groups[i].blocks...)
			}
		}
	}
	return kills
}

// signature says whether all literals of a signature hold. Most have one, a term, and all terms that hold are known.
func (s *scratch) signature(number uint32) bool {
	if term := s.view.only[number]; term != 0 {
		return s.marks[term] == s.event<<markBits|uint32(holds)
	}
	return s.manyLiterals(number)
}

// manyLiterals is signature for any; it finds out once an event.
func (s *scratch) manyLiterals(number uint32) bool {
	if m := s.sigs[number]; m>>markBits == s.event {
		return state(m&(1<<stateBits-1)) == holds
	}
	to := holds
	for _, l := range s.view.sigs[number-sigFirst] {
		want := holds
		if l.not() {
			want = fails
		}
		if s.state(l.predicate()) != want {
			to = fails
			break
		}
	}
	s.sigs[number] = s.event<<markBits | uint32(to)
	return to == holds
}
