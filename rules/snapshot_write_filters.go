package rules

import (
	"cmp"
	"slices"

	"github.com/notifyd/notifyd/rules/postings"
)

// A placed is where the filter of an ordinal is posted; the zero value is that of an ordinal without a filter.
type placed struct {
	access   uint32 // the access predicate, + 1
	residual uint32
}

// placedAtOnce is how many ordinals are written for each pass over all postings: each takes 8 bytes meanwhile.
const placedAtOnce = 1 << 22

// writeFilters writes the filters in the order of their ordinals. Postings know them by predicate, so it passes over
// all postings for each of some parts.
func (s *snapshotWriter) writeFilters() {
	s.sections.Begin(sectionFilters)
	owner := uint32(0) // of the filter before
	for from := 0; from < len(s.view.pages)<<pageBits && s.sections.Err() == nil; from += s.atOnce {
		s.placeFilters(uint32(from), uint32(min(s.atOnce, len(s.view.pages)<<pageBits-from)))
		for at := 0; at < len(s.placed) && s.sections.Err() == nil; at += 1 << pageBits {
			if s.sections.Continue() {
				owner = 0
			}
			owner = s.writePage(uint32(from), uint32(at), owner)
		}
	}
}

// placeFilters finds where the filters of n ordinals are posted, and what excludes them.
func (s *snapshotWriter) placeFilters(from, n uint32) {
	s.placed = slices.Grow(s.placed[:0], int(n))[:n]
	clear(s.placed)
	s.exclusions = s.exclusions[:0]
	s.view.eachList(func(predicate, residual uint32, ordinals []uint32) {
		if residual == postings.Parents {
			return
		}
		first, _ := slices.BinarySearch(ordinals, from)
		for _, ordinal := range ordinals[first:] {
			switch {
			case ordinal >= from+n:
				return
			case residual == postings.Excluded:
				s.exclusions = append(s.exclusions, exclusion{predicate, ordinal})
			default:
				s.placed[ordinal-from] = placed{predicate + 1, residual - postings.FirstResidual}
			}
		}
	})
	slices.SortFunc(s.exclusions, func(a, b exclusion) int {
		return cmp.Or(cmp.Compare(a.ordinal, b.ordinal), cmp.Compare(a.predicate, b.predicate))
	})
}

// writePage writes the filters of a page, if there are any; owner is that of the filter before.
func (s *snapshotWriter) writePage(from, at, owner uint32) (last uint32) {
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
		s.writeExclusions(ordinal, owner)
		before = i
	}
	return owner
}

// writeExclusions writes the predicates that exclude a filter.
func (s *snapshotWriter) writeExclusions(ordinal, owner uint32) {
	n, byOwner := 0, 0
	for n < len(s.exclusions) && s.exclusions[n].ordinal == ordinal {
		if s.exclusions[n].predicate == owner {
			byOwner = 1
		}
		n++
	}
	s.sections.Number(uint64(n-byOwner)<<1 | uint64(byOwner))
	for _, e := range s.exclusions[:n] {
		if e.predicate != owner {
			s.sections.Number(uint64(e.predicate))
		}
	}
	s.exclusions = s.exclusions[n:]
}
