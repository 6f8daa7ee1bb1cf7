package rules

import (
	"fmt"
	"math"
	"math/bits"

	"github.com/notifyd/notifyd/rules/postings"
	"github.com/notifyd/notifyd/rules/sections"
	"github.com/notifyd/notifyd/rulespec"
)

// readFilters reads a section of filters, page by page.
func (s *snapshotReader) readFilters(c *sections.Section) error {
	owner := int64(0)
	for c.Len() > 0 {
		number := c.Number()
		_, twice := s.x.ordinals.find(filterOf(number, 0))
		switch n := c.Count(1 << pageBits); {
		case twice:
			c.Wrong("the filters from %d on come twice", filterOf(number, 0))
		case number > 1<<(64-pageBits)-1 || n == 0:
			c.Wrong("a page %d of %d filters", number, n)
		case len(s.x.ordinals.pages) > math.MaxUint32>>pageBits:
			c.Wrong("more pages than there are numbers for")
		case c.Err() == nil:
			owner = s.readPage(c, s.x.ordinals.add(s.x.next, filterOf(number, 0)), n, owner)
		}
	}
	return c.Err()
}

// readPage reads n filters whose ordinals begin with first; before is the owner of the filter in front of them.
func (s *snapshotReader) readPage(c *sections.Section, first uint32, n int, before int64) (owner int64) {
	x := s.x
	page := x.ordinals.pages[first>>pageBits]
	owner = before
	at, last := uint32(0), uint32(0) // last: behind the filter before
	for range n {
		at += c.Below(1 << pageBits)
		if at >= 1<<pageBits {
			c.Wrong("a page of filters has more than it has room for")
		}
		was := owner
		owner += unzigzag(c.Number())
		if owner <= 0 || owner > int64(s.head.predicates) {
			c.Wrong("a filter is owned by %d, who is nobody", owner)
		}
		access, residual := c.Below(s.head.predicates+1), c.Below(s.head.residuals)+postings.FirstResidual
		marks := s.readExclusions(c, first+at, uint32(owner))
		if c.Err() != nil {
			return 0
		}
		if last == 0 || was != owner {
			last = at
		}
		for ; last <= at; last++ { // ordinals without a filter, between filters of one owner, are the owner's too
			x.next.owners.of.Set(x.transient, first+last, uint32(owner))
		}
		s.used.add(&s.used.owners, uint32(owner))
		s.used.add(&s.used.access, access)
		page.access[at], page.residual[at] = access+1, residual<<placementBits|marks
		at++
	}
	s.filters += n
	return owner
}

// readExclusions reads the predicates that exclude a filter, keeps those that are not in the marks, and gives the
// marks.
func (s *snapshotReader) readExclusions(c *sections.Section, ordinal, owner uint32) (marks uint32) {
	head := c.Number()
	if head&1 == 1 {
		marks = excludesOwner
		s.used.add(&s.used.exclusions, owner)
	}
	if head>>1 == 0 {
		return marks
	}
	if head>>1 > uint64(c.Len()) {
		c.Wrong("filter %d is excluded by %d predicates", ordinal, head>>1)
		return 0
	}
	var exclusions []uint32
	for range head >> 1 {
		id := c.Below(s.head.predicates + 1)
		if c.Err() == nil && (len(exclusions) > 0 && id <= exclusions[len(exclusions)-1] || id == owner) {
			c.Wrong("the exclusions of a filter are out of order")
		}
		if c.Err() != nil {
			return 0
		}
		s.used.add(&s.used.exclusions, id)
		exclusions = append(exclusions, id)
	}
	s.x.exclusions[ordinal] = exclusions
	return marks | excludesMore
}

// usedBits are the predicates that filters refer to, a bit each.
type usedBits struct{ owners, access, exclusions []uint64 }

func (u *usedBits) add(set *[]uint64, id uint32) {
	for int(id/64) >= len(*set) {
		*set = append(*set, make([]uint64, 1+len(*set))...)
	}
	(*set)[id/64] |= 1 << (id % 64)
}

// check checks that what filters refer to is what it must be.
func (u *usedBits) check(c *sections.Section, v *view) error {
	canAccess := func(p predicate) bool { return p.form == formRoot || p.indexed() }
	for _, set := range []struct {
		of    []uint64
		right func(predicate) bool
		wrong string
	}{
		{u.owners, predicate.isOwner, "owned by predicate %d, who is nobody"},
		{u.access, canAccess, "posted under predicate %d, which nothing leads to"},
		{u.exclusions, predicate.indexed, "excluded by predicate %d, which nothing leads to"},
	} {
		for i, word := range set.of {
			for ; word != 0; word &= word - 1 {
				if id := 64*i + bits.TrailingZeros64(word); !set.right(v.preds[id]) {
					return fmt.Errorf("%w: section of filters: there is one "+set.wrong, sections.ErrDamaged, id)
				}
			}
		}
	}
	return c.Err()
}

// isOwner says whether the number of a predicate is that of an owner.
func (p predicate) isOwner() bool {
	return p.form == formTerm && rulespec.Fields[p.field] == ownerField
}
