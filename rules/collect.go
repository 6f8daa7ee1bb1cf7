package rules

import (
	"slices"

	"github.com/notifyd/notifyd/rules/postings"
)

// A spot is what stands at a predicate in a shard.
type spot struct {
	shard *postings.Shard
	place uint32
	told  bool // the predicate holds; otherwise it cannot be evaluated
	lists postings.Lists
	large *postings.Large
}

// collect puts what is posted under the predicates that hold into r, as far as the residuals hold. It goes through the
// predicates several times, so that the processor need not wait for one place in memory after the other.
func (s *scratch) collect(r *Result) {
	s.spots = s.spots[:0]
	for told, list := range [2][]uint32{s.untold, s.hold} {
		for i := range s.view.shards {
			sh := &s.view.shards[i]
			for _, id := range list {
				if place := sh.Ref(id); place != 0 {
					s.spots = append(s.spots, spot{shard: sh, place: place, told: told == 1})
				}
			}
		}
	}
	for i := range s.spots {
		p := &s.spots[i]
		p.lists, p.large = p.shard.Read(p.place)
	}
	r.dead = r.dead[:0]
	lists := 0
	for i := range s.spots {
		if s.collectAt(r, &s.spots[i]) {
			lists++
		}
	}
	if lists > 1 {
		slices.Sort(r.dead)
		r.dead = slices.Compact(r.dead)
	}
}

// collectAt is collect for one spot, and says whether it exclusions.
func (s *scratch) collectAt(r *Result, p *spot) (exclusions bool) {
	if p.large != nil {
		exclusions = s.collectLarge(r, p.large, p.told)
	}
	i, n := 0, p.lists.Len()
	for ; i < n && p.lists.Residual(i) < postings.FirstResidual; i++ {
		if p.lists.Residual(i) == postings.Excluded {
			r.dead, exclusions = append(r.dead, p.lists.List(i)...), true
		}
	}
	switch {
	case !p.told || i == n:
	case p.lists.Single():
		for _, residual := range s.singles {
			if at, found := p.lists.Search(residual); found {
				r.runs = append(r.runs, p.lists.List(at))
			}
		}
	default:
		for ; i < n; i++ {
			if s.residualHolds(p.lists.Residual(i)) {
				r.runs = append(r.runs, p.lists.List(i))
			}
		}
	}
	return exclusions
}

func (s *scratch) collectLarge(r *Result, l *postings.Large, told bool) (exclusions bool) {
	i := 0
	for ; i < len(l.Residuals) && l.Residuals[i] < postings.FirstResidual; i++ {
		if l.Residuals[i] == postings.Excluded {
			for _, b := range l.Blocks(i) {
				r.dead, exclusions = append(r.dead, b...), true
			}
		}
	}
	switch {
	case !told:
	case l.Single:
		for _, residual := range s.singles {
			if at, found := l.Search(residual); found {
				r.runs = append(r.runs, l.Blocks(at)...)
			}
		}
	default:
		for ; i < len(l.Residuals); i++ {
			if s.residualHolds(l.Residuals[i]) {
				r.runs = append(r.runs, l.Blocks(i)...)
			}
		}
	}
	return exclusions
}

// residualHolds says whether all conditions of a residual hold. Most have one, a term, and all terms that hold are known.
func (s *scratch) residualHolds(number uint32) bool {
	if term := s.view.residualTerm[number]; term != 0 {
		return s.marks[term] == s.event<<markBits|uint32(holds)
	}
	return s.conditionsHold(number)
}

// conditionsHold is residualHolds for any; it finds out once an event.
func (s *scratch) conditionsHold(number uint32) bool {
	if m := s.residuals[number]; m>>markBits == s.event {
		return state(m&(1<<stateBits-1)) == holds
	}
	to := holds
	for _, l := range s.view.residuals[number-postings.FirstResidual] {
		want := holds
		if l.not() {
			want = fails
		}
		if s.state(l.predicate()) != want {
			to = fails
			break
		}
	}
	s.residuals[number] = s.event<<markBits | uint32(to)
	return to == holds
}
