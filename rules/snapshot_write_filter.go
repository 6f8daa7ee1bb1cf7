package rules

import (
	"cmp"
	"slices"

	"github.com/notifyd/notifyd/rules/postings"
)

// A placed is where the filter of an ordinal is posted; the zero value is that of an ordinal that is free.
type placed struct{ access, residual uint32 } // access is one more than the predicate

// placedAtOnce is how many ordinals are looked at in one go through all postings: each takes 8 bytes meanwhile.
const placedAtOnce = 1 << 22

// filters writes the filters in the order of their ordinals. Where they are posted is known the other way round, by predicate.
func (s *snapshotWriter) filters() {
	s.sections.Begin(sectionFilters)
	owner := uint32(0) // of the filter before
	for from := 0; from < len(s.view.pages)<<pageBits && s.sections.Err() == nil; from += s.atOnce {
		s.placeFilters(uint32(from), uint32(min(s.atOnce, len(s.view.pages)<<pageBits-from)))
		for at := 0; at < len(s.placed) && s.sections.Err() == nil; at += 1 << pageBits {
			if s.sections.Continue() {
				owner = 0
			}
			owner = s.page(uint32(from), uint32(at), owner)
		}
	}
}

// placeFilters finds where the filters of n ordinals are posted, and what excludes them.
func (s *snapshotWriter) placeFilters(from, n uint32) {
	s.placed = slices.Grow(s.placed[:0], int(n))[:n]
	clear(s.placed)
	s.exclusions = s.exclusions[:0]
	s.view.eachList(func(pred, residual uint32, ordinals []uint32) {
		if residual == postings.Parents {
			return
		}
		first, _ := slices.BinarySearch(ordinals, from)
		for _, ordinal := range ordinals[first:] {
			switch {
			case ordinal >= from+n:
				return
			case residual == postings.Excluded:
				s.exclusions = append(s.exclusions, exclusion{pred, ordinal})
			default:
				s.placed[ordinal-from] = placed{pred + 1, residual - postings.FirstResidual}
			}
		}
	})
	slices.SortFunc(s.exclusions, func(a, b exclusion) int {
		return cmp.Or(cmp.Compare(a.ordinal, b.ordinal), cmp.Compare(a.predicate, b.predicate))
	})
}

// page writes the filters of a page, if there are any.
func (s *snapshotWriter) page(from, at, owner uint32) (last uint32) {
	page, to, n := s.placed[at:at+1<<pageBits], s.sections, 0
	for _, p := range page {
		n += int(min(p.access, 1))
	}
	if n == 0 {
		return owner
	}
	to.Number(s.view.pages[(from+at)>>pageBits])
	to.Number(uint64(n))
	before := -1
	for i, p := range page {
		if p.access == 0 {
			continue
		}
		ordinal := from + at + uint32(i)
		was := owner
		owner = s.view.owners.of.At(ordinal)
		to.Number(uint64(i - before - 1))
		to.Number(zigzag(int64(owner) - int64(was)))
		to.Number(uint64(p.access - 1))
		to.Number(uint64(p.residual))
		s.killed(ordinal, owner)
		before = i
	}
	return owner
}

// killed writes what exclusions a filter.
func (s *snapshotWriter) killed(ordinal, owner uint32) {
	n, mine := 0, 0
	for n < len(s.exclusions) && s.exclusions[n].ordinal == ordinal {
		if s.exclusions[n].predicate == owner {
			mine = 1
		}
		n++
	}
	s.sections.Number(uint64(n-mine)<<1 | uint64(mine))
	for _, k := range s.exclusions[:n] {
		if k.predicate != owner {
			s.sections.Number(uint64(k.predicate))
		}
	}
	s.exclusions = s.exclusions[n:]
}
