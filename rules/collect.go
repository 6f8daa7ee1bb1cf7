package rules

import (
	"slices"

	"github.com/notifyd/notifyd/rules/postings"
)

// A cursor is at the postings of a predicate in a shard.
type cursor struct {
	shard *postings.Shard
	ref   uint32
	holds bool // the predicate holds; otherwise it is unknown, and only excludes
	lists postings.Lists
	large *postings.Large
}

// collect puts the filters into r that are posted under predicates that hold, as far as their residuals hold; and
// those that are excluded. It goes through the predicates several times, so that the processor need not wait for one
// look into memory after the other.
func (s *matchState) collect(r *Result) {
	s.cursors = s.cursors[:0]
	s.open(s.unknown, false)
	s.open(s.holding, true)
	for i := range s.cursors {
		c := &s.cursors[i]
		c.lists, c.large = c.shard.Read(c.ref)
	}
	r.excluded = r.excluded[:0]
	excluding := 0
	for i := range s.cursors {
		if s.collectAt(r, &s.cursors[i]) {
			excluding++
		}
	}
	if excluding > 1 {
		slices.Sort(r.excluded)
		r.excluded = slices.Compact(r.excluded)
	}
}

// open makes cursors for the postings of predicates.
func (s *matchState) open(ids []uint32, holds bool) {
	for i := range s.view.shards {
		shard := &s.view.shards[i]
		for _, id := range ids {
			if ref := shard.Ref(id); ref != 0 {
				s.cursors = append(s.cursors, cursor{shard: shard, ref: ref, holds: holds})
			}
		}
	}
}

// collectAt is collect for one cursor, and says whether it excludes any filters.
func (s *matchState) collectAt(r *Result, c *cursor) (excludes bool) {
	if c.large != nil {
		excludes = s.collectLarge(r, c.large, c.holds)
	}
	i, n := 0, c.lists.Len()
	for ; i < n && c.lists.Residual(i) < postings.FirstResidual; i++ {
		if c.lists.Residual(i) == postings.Excluded {
			r.excluded, excludes = append(r.excluded, c.lists.List(i)...), true
		}
	}
	switch {
	case !c.holds || i == n:
	case c.lists.Single():
		for _, residual := range s.singles {
			if at, found := c.lists.Search(residual); found {
				r.lists = append(r.lists, c.lists.List(at))
			}
		}
	default:
		for ; i < n; i++ {
			if s.residualHolds(c.lists.Residual(i)) {
				r.lists = append(r.lists, c.lists.List(i))
			}
		}
	}
	return excludes
}

// collectLarge is collectAt for the long lists of a predicate.
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

// residualHolds says whether all conditions of a residual hold. Most residuals are a single term, and all terms that
// hold are known.
func (s *matchState) residualHolds(number uint32) bool {
	if term := s.view.residualTerm[number]; term != 0 {
		return s.marks[term] == s.number<<markBits|uint32(holds)
	}
	return s.conditionsHold(number)
}

// conditionsHold is residualHolds for any residual; it decides each once in a match.
func (s *matchState) conditionsHold(number uint32) bool {
	if m := s.residuals[number]; m>>markBits == s.number {
		return state(m&(1<<stateBits-1)) == holds
	}
	to := holds
	for _, c := range s.view.residuals[number-postings.FirstResidual] {
		want := holds
		if c.not() {
			want = fails
		}
		if s.state(c.predicate()) != want {
			to = fails
			break
		}
	}
	s.residuals[number] = s.number<<markBits | uint32(to)
	return to == holds
}
