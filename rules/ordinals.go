package rules

import "github.com/notifyd/notifyd/rulespec"

// pageBits is the binary logarithm of the ids of a page.
const pageBits = 8

// ordinals numbers the filters. A page of 256 ids becomes a page of ordinals, so ids that are mostly dense need a
// small table, and the filters of a person whose ids follow each other stand together. What readers need of it is in
// the view.
type ordinals struct {
	pages []*page
	of    map[uint64]uint32 // by page of ids: the page of ordinals
	size  int               // filters that there are
}

// A page is the placements of the filters of a page. There are many millions of these, so it has no pointers.
type page struct {
	access   [1 << pageBits]uint32 // the access predicate, + 1; 0: there is no such filter
	residual [1 << pageBits]uint32 // the residual, above the marks excludesOwner and excludesMore
}

// find gives the ordinal of an id, if there may be a filter there.
func (s *ordinals) find(f rulespec.FilterID) (ordinal uint32, known bool) {
	page, known := s.of[uint64(f)>>pageBits]
	return page<<pageBits | uint32(f)&(1<<pageBits-1), known
}

// add gives the ordinal of an id, with a new page where there is none.
func (s *ordinals) add(v *view, f rulespec.FilterID) uint32 {
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
	return filterOf(v.pages[ordinal>>pageBits], ordinal&(1<<pageBits-1))
}

// filterOf gives a filter of a page of ids.
func filterOf(page uint64, at uint32) rulespec.FilterID {
	return rulespec.FilterID(page<<pageBits | uint64(at))
}
