package rules

import "slices"

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
				if place := sh.nodes.At(id); place != 0 {
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
