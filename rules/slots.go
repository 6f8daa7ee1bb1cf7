package rules

import (
	"math/bits"

	"github.com/notifyd/notifyd/rulespec"
)

// pageBits is the binary logarithm of the slots of a page. The slots of a page belong to one owner, so that a result in
// the order of slots has an owner's filters together, and four of them share one entry of pageOwner.
const (
	pageBits = 2
	pageFull = 1<<(1<<pageBits) - 1
)

// slots gives every filter a number of its own, the slot. What readers need of a slot is in the view.
type slots struct {
	owners map[string]uint32                     // numbers of owners, from 0
	first  []uint32                              // of each owner: a page with room, + 1
	used   []uint8                               // of each page: which slots are taken
	next   []uint32                              // of each page with room: the owner's next such page, or the next free one, + 1
	free   uint32                                // a page that belongs to nobody, + 1
	of     map[rulespec.FilterID]*[idPage]uint32 // by id, in pages, as ids are mostly dense: slot + 1
	size   int
}

// idPage is how many ids share an entry of slots.of.
const idPage = 64

func (s *slots) find(f rulespec.FilterID) (slot uint32, known bool) {
	page := s.of[f/idPage]
	if page == nil || page[f%idPage] == 0 {
		return 0, false
	}
	return page[f%idPage] - 1, true
}

// take gives a free slot of the owner's.
func (s *slots) take(e *edit, v *view, f rulespec.FilterID, owner string) uint32 {
	number, known := s.owners[owner]
	if !known {
		number = uint32(len(s.first))
		s.owners[owner] = number
		s.first = append(s.first, 0)
	}
	page := s.first[number]
	if page == 0 {
		page = s.page(e, v, number)
	}
	bit := uint32(bits.TrailingZeros8(^s.used[page-1]))
	if s.used[page-1] |= 1 << bit; s.used[page-1] == pageFull {
		s.first[number] = s.next[page-1]
	}
	slot := (page-1)<<pageBits | bit
	if s.of[f/idPage] == nil {
		s.of[f/idPage] = new([idPage]uint32)
	}
	s.of[f/idPage][f%idPage] = slot + 1
	s.size++
	v.ids.set(e, slot, uint32(f))
	if high := uint32(uint64(f) >> 32); high != v.idsHigh.at(slot) {
		v.idsHigh.set(e, slot, high)
	}
	return slot
}

// page gives the owner one more page, the first to be tried.
func (s *slots) page(e *edit, v *view, owner uint32) uint32 {
	page := s.free
	if page != 0 {
		s.free = s.next[page-1]
	} else {
		s.used = append(s.used, 0)
		s.next = append(s.next, 0)
		page = uint32(len(s.used))
	}
	s.next[page-1] = s.first[owner]
	s.first[owner] = page
	v.pageOwner.set(e, page-1, owner)
	return page
}

// give takes a slot back; a page that is empty is for anybody.
func (s *slots) give(v *view, f rulespec.FilterID, slot uint32) {
	s.size--
	of := s.of[f/idPage]
	if of[f%idPage] = 0; *of == [idPage]uint32{} {
		delete(s.of, f/idPage)
	}
	page := slot>>pageBits + 1
	first := &s.first[v.pageOwner.at(page-1)]
	if s.used[page-1] == pageFull {
		s.next[page-1] = *first
		*first = page
	}
	if s.used[page-1] &^= 1 << (slot & (1<<pageBits - 1)); s.used[page-1] != 0 {
		return
	}
	for *first != page {
		first = &s.next[*first-1]
	}
	*first = s.next[page-1]
	s.next[page-1] = s.free
	s.free = page
}

// id gives the filter of a slot.
func (v *view) id(slot uint32) rulespec.FilterID {
	return rulespec.FilterID(uint64(v.idsHigh.at(slot))<<32 | uint64(v.ids.at(slot)))
}
