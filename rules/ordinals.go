package rules

import (
	"github.com/notifyd/notifyd/rulespec"
)

// pageBits is the binary logarithm of the ids of a page.
const pageBits = 8

// ordinals gives every filter a number of its own, the ordinal: pages of ids become pages of ordinals, so that ids which are
// mostly dense need no table from one to the other, and the filters of a person whose ids follow each other stand
// together. What readers need is in the view.
type ordinals struct {
	pages []*page
	of    map[uint64]uint32 // by page of ids: the page of ordinals
	size  int
}

// A page is where the filters of a page stand in the index: of many millions, so without pointers.
type page struct {
	access   [1 << pageBits]uint32 // its access predicate, + 1; 0: there is no such filter
	residual [1 << pageBits]uint32 // its residual, above the marks excludesOwner and excludesMore
}

// find gives the ordinal of an id, if there may be a filter there.
func (s *ordinals) find(f rulespec.FilterID) (ordinal uint32, known bool) {
	page, known := s.of[uint64(f)>>pageBits]
	return page<<pageBits | uint32(f)&(1<<pageBits-1), known
}

// take gives the ordinal of an id, and a page for it where there is none.
func (s *ordinals) take(v *view, f rulespec.FilterID) uint32 {
	if ordinal, known := s.find(f); known {
		return ordinal
	}
	if len(s.pages) >= 1<<(31-pageBits) {
		panic("rules: more pages of filters than there are numbers for") // they would take 16 GiB
	}
	s.of[uint64(f)>>pageBits] = uint32(len(s.pages))
	s.pages = append(s.pages, new(page))
	v.pages = append(v.pages, uint64(f)>>pageBits)
	ordinal, _ := s.find(f)
	return ordinal
}

// id gives the filter of an ordinal.
func (v *view) id(ordinal uint32) rulespec.FilterID {
	return rulespec.FilterID(v.pages[ordinal>>pageBits]<<pageBits | uint64(ordinal&(1<<pageBits-1)))
}
