package rules

import (
	"slices"

	"github.com/notifyd/notifyd/rules/postings"
)

// A cursor is what stands at a predicate in a shard.
type cursor struct {
	shard *postings.Shard
	ref   uint32
	holds bool // the predicate holds; otherwise it cannot be evaluated
	lists postings.Lists
	large *postings.Large
}

// collect puts what is posted under the predicates that hold into r, as far as the residuals hold. It goes through the
// predicates several times, so that the processor need not wait for one place in memory after the other.
func (s *matchState) collect(r *Result) {
	s.cursors = s.cursors[:0]
	for holds, list := range [2][]uint32{s.unknown, s.hold} {
		for i := range s.view.shards {
			sh := &s.view.shards[i]
			for _, id := range list {
				if place := sh.Ref(id); place != 0 {
					s.cursors = append(s.cursors, cursor{shard: sh, ref: place, holds: holds == 1})
				}
			}
		}
	}
	for i := range s.cursors {
		p := &s.cursors[i]
		p.lists, p.large = p.shard.Read(p.ref)
	}
	r.excluded = r.excluded[:0]
	lists := 0
	for i := range s.cursors {
		if s.collectAt(r, &s.cursors[i]) {
			lists++
		}
	}
	if lists > 1 {
		slices.Sort(r.excluded)
		r.excluded = slices.Compact(r.excluded)
	}
}

// collectAt is collect for one cursor, and says whether it excludes.
func (s *matchState) collectAt(r *Result, p *cursor) (excludes bool) {
	if p.large != nil {
		excludes = s.collectLarge(r, p.large, p.holds)
	}
	i, n := 0, p.lists.Len()
	for ; i < n && p.lists.Residual(i) < postings.FirstResidual; i++ {
		if p.lists.Residual(i) == postings.Excluded {
			r.excluded, excludes = append(r.excluded, p.lists.List(i)...), true
		}
	}
	switch {
	case !p.holds || i == n:
	case p.lists.Single():
		for _, residual := range s.singles {
			if at, found := p.lists.Search(residual); found {
				r.lists = append(r.lists, p.lists.List(at))
			}
		}
	default:
		for ; i < n; i++ {
			if s.residualHolds(p.lists.Residual(i)) {
				r.lists = append(r.lists, p.lists.List(i))
			}
		}
	}
	return excludes
}

func (s *matchState) collectLarge(r *Result, l *postings.Large, holds bool) (excludes bool) {
	i := 0
	for ; i < len(l.Residuals) && l.Residuals[i] < postings.FirstResidual; i++ {
		if l.Residuals[i] == postings.Excluded {
			for _, b := range l.Blocks(i) {
				r.excluded, excludes = append(r.excluded, b...), true
			}
		}
	}
	switch {
	case !holds:
	case l.Single:
		for _, residual := range s.singles {
			if at, found := l.Search(residual); found {
				r.lists = append(r.lists, l.Blocks(at)...)
			}
		}
	default:
		for ; i < len(l.Residuals); i++ {
			if s.residualHolds(l.Residuals[i]) {
				r.lists = append(r.lists, l.Blocks(i)...)
			}
		}
	}
	return excludes
}

// residualHolds says whether all conditions of a residual hold. Most have one, a term, and all terms that hold are known.
func (s *matchState) residualHolds(number uint32) bool {
	if term := s.view.residualTerm[number]; term != 0 {
		return s.marks[term] == s.event<<markBits|uint32(holds)
	}
	return s.conditionsHold(number)
}

// conditionsHold is residualHolds for any; it finds out once an event.
func (s *matchState) conditionsHold(number uint32) bool {
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
