package rules

import (
	"slices"

	"github.com/notifyd/notifyd/rulespec"
)

// A Result is the filters that an event matches, by reference to the posting lists, so that finding many costs little
// more than finding one. It stays what it is when the Index changes. Find may be given it again. It is for one
// goroutine.
type Result struct {
	view     *view
	lists    [][]uint32 // of ordinals that match, each list in order; none is in two lists
	excluded []uint32   // ordinals that do not match though they are in lists, in order

	set      ordinalSet
	distinct *distinct
	sorted   []uint64 // filters of owners who may have several runs: the owner's number and the ordinal
	ids      []rulespec.FilterID
}

func (r *Result) reset(v *view) {
	clear(r.lists)
	r.view, r.lists, r.excluded = v, r.lists[:0], r.excluded[:0]
}

// live calls visit with the lists, in pieces where something is excluded.
func (r *Result) live(visit func(ordinals []uint32)) {
	for _, list := range r.lists {
		from, _ := slices.BinarySearch(r.excluded, list[0])
		for _, dead := range r.excluded[from:] {
			at, found := slices.BinarySearch(list, dead)
			if at == len(list) {
				break
			}
			if !found {
				continue
			}
			if at > 0 {
				visit(list[:at])
			}
			if list = list[at+1:]; len(list) == 0 {
				break
			}
		}
		if len(list) > 0 {
			visit(list)
		}
	}
}

// Len is how many filters there are.
func (r *Result) Len() int {
	n := 0
	r.live(func(ordinals []uint32) { n += len(ordinals) })
	return n
}

// AppendTo appends the ids of the filters, in no particular order.
func (r *Result) AppendTo(ids []rulespec.FilterID) []rulespec.FilterID {
	r.live(func(ordinals []uint32) {
		for _, ordinal := range ordinals {
			ids = append(ids, r.view.id(ordinal))
		}
	})
	return ids
}

// ByOwner gives the filters of each owner, each owner once; the slice is good until the next.
func (r *Result) ByOwner(yield func([]rulespec.FilterID) bool) {
	r.sorted, r.ids = r.sorted[:0], r.ids[:0]
	last := noStart
	for some := r.hit(); len(some) > 0; some = r.set.next() {
		for _, h := range some {
			if h.start == manyRuns {
				r.sorted = append(r.sorted, uint64(r.view.owners.of.At(h.ordinal))<<32|uint64(h.ordinal))
				continue
			}
			if h.start != last && len(r.ids) > 0 {
				if !yield(r.ids) {
					r.set.clear()
					return
				}
				r.ids = r.ids[:0]
			}
			last = h.start
			r.ids = append(r.ids, r.view.id(h.ordinal))
		}
	}
	if len(r.ids) > 0 && !yield(r.ids) {
		return
	}
	slices.Sort(r.sorted)
	for i := 0; i < len(r.sorted); {
		owner := r.sorted[i] >> 32
		for r.ids = r.ids[:0]; i < len(r.sorted) && r.sorted[i]>>32 == owner; i++ {
			r.ids = append(r.ids, r.view.id(uint32(r.sorted[i])))
		}
		if !yield(r.ids) {
			return
		}
	}
}

// hit gives the first hits; the others come from r.set.
func (r *Result) hit() []hit {
	if len(r.lists) == 0 {
		return nil
	}
	r.set.fill(r)
	return r.set.next()
}
