package rules

import (
	"math/bits"
	"slices"

	"github.com/notifyd/notifyd/rulespec"
)

// A Result is the filters that an event matches, by reference: finding many costs little more than finding one, and what
// is done with them is for whoever reads the Result. It stays what it is when the Index changes. It may be used again
// with Find, and by one goroutine at a time.
type Result struct {
	view *view
	runs [][]uint32 // slots, each run in order
	dead []uint32   // slots in order that are in runs and do not count

	hits   hits
	seen   []uint64 // a bit for each owner who may have several stretches, by number
	sorted []uint64 // filters of such owners: the owner's number and the slot
	ids    []rulespec.FilterID
}

func (r *Result) reset(v *view) {
	clear(r.runs)
	r.view, r.runs, r.dead = v, r.runs[:0], r.dead[:0]
}

// live calls visit with the stretches of the runs that count.
func (r *Result) live(visit func(slots []uint32)) {
	for _, run := range r.runs {
		from, _ := slices.BinarySearch(r.dead, run[0])
		for _, dead := range r.dead[from:] {
			at, found := slices.BinarySearch(run, dead)
			if at == len(run) {
				break
			}
			if !found {
				continue
			}
			if at > 0 {
				visit(run[:at])
			}
			if run = run[at+1:]; len(run) == 0 {
				break
			}
		}
		if len(run) > 0 {
			visit(run)
		}
	}
}

// Len is how many filters there are.
func (r *Result) Len() int {
	n := 0
	r.live(func(slots []uint32) { n += len(slots) })
	return n
}

// AppendTo appends the ids of the filters, in no particular order.
func (r *Result) AppendTo(ids []rulespec.FilterID) []rulespec.FilterID {
	r.live(func(slots []uint32) {
		for _, slot := range slots {
			ids = append(ids, r.view.id(slot))
		}
	})
	return ids
}

// PerOwner gives the filters of each owner, all at once; the slice is good until the next.
func (r *Result) PerOwner(yield func([]rulespec.FilterID) bool) {
	r.sorted, r.ids = r.sorted[:0], r.ids[:0]
	last := noSlot
	stopped := r.stretches(func(start, slot uint32) bool {
		if r.view.owners.split.at(start) {
			r.sorted = append(r.sorted, uint64(r.view.owners.of.at(slot))<<32|uint64(slot))
			return true
		}
		if start != last && len(r.ids) > 0 {
			if !yield(r.ids) {
				return false
			}
			r.ids = r.ids[:0]
		}
		last = start
		r.ids = append(r.ids, r.view.id(slot))
		return true
	})
	if stopped || len(r.ids) > 0 && !yield(r.ids) {
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

// OneEach gives one filter of each owner.
func (r *Result) OneEach(yield func(rulespec.FilterID) bool) {
	clear(r.seen)
	last := noSlot
	r.stretches(func(start, slot uint32) bool {
		if start == last {
			return true
		}
		last = start
		return r.view.owners.split.at(start) && r.again(r.view.owners.of.at(slot)) || yield(r.view.id(slot))
	})
}

// again notes an owner, and says whether it was noted before.
func (r *Result) again(owner uint32) bool {
	word, bit := int(owner/64), uint64(1)<<(owner%64)
	if word >= len(r.seen) {
		r.seen = append(r.seen, make([]uint64, word+word/4+1-len(r.seen))...)
	}
	was := r.seen[word]&bit != 0
	r.seen[word] |= bit
	return was
}

// noSlot is no slot that a stretch starts with.
const noSlot = ^uint32(0)

// stretches calls visit with each filter, in the order of the slots: an owner's filters come together, as far as they
// are in one stretch, which begins with start. It says whether visit stopped it.
func (r *Result) stretches(visit func(start, slot uint32) bool) (stopped bool) {
	if len(r.runs) == 0 {
		return false
	}
	r.hits.fill(r)
	o := &r.view.owners
	last, start := uint32(0), noSlot // the slot before, and where its stretch starts
	for word, set := range r.hits.each {
		starts := o.starts.words.at(word)
		for ; set != 0; set &= set - 1 {
			bit := uint32(bits.TrailingZeros64(set))
			slot := word*64 + bit
			if here := starts & (2<<bit - 1); here != 0 {
				start = word*64 + uint32(bits.Len64(here)) - 1
			} else if start == noSlot || last/64 != word {
				if at := o.startFrom(slot, last/64); start == noSlot || at > last {
					start = at
				}
			}
			last = slot
			if !visit(start, slot) {
				return true
			}
		}
	}
	return false
}
