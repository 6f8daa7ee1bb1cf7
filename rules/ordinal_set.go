package rules

import (
	"math/bits"

	"github.com/notifyd/notifyd/rules/vector"
)

// An ordinalSet is a bit set of two levels: a bit for each ordinal, and a bit for each word of bits. It is read in
// order, and what is not in it costs nothing.
type ordinalSet struct {
	words, upper []uint64
	owners       *owners
	at           uint32 // the word of upper that is read next
	batch        []hit
}

// A hit is an ordinal and the start of its run, or manyRuns.
type hit struct{ ordinal, start uint32 }

// fill adds the ordinals of r to an empty set.
func (h *ordinalSet) fill(r *Result) {
	h.room(r.view)
	words, upper := h.words, h.upper
	for _, list := range r.lists {
		word, set := list[0]/64, uint64(0)
		for _, ordinal := range list {
			if at := ordinal / 64; at != word {
				words[word] |= set
				upper[word/64] |= 1 << (word % 64)
				word, set = at, 0
			}
			set |= 1 << (ordinal % 64)
		}
		words[word] |= set
		upper[word/64] |= 1 << (word % 64)
	}
	for _, ordinal := range r.excluded {
		if at := int(ordinal / 64); at < len(words) {
			words[at] &^= 1 << (ordinal % 64)
		}
	}
	h.owners, h.at = &r.view.owners, 0
}

func (h *ordinalSet) room(v *view) {
	if n := len(v.pages) << pageBits / 64; len(h.words) < n {
		h.upper = make([]uint64, (n+n/4)/64+1)
		h.words = make([]uint64, 64*len(h.upper))
	}
}

// next takes the next hits out of the set, in order; none when it is empty.
func (h *ordinalSet) next() []hit {
	for ; int(h.at) < len(h.upper); h.at++ {
		if h.upper[h.at] == 0 {
			continue
		}
		if some := h.take(); len(some) > 0 {
			h.at++
			return some
		}
	}
	return nil
}

// setBatch is how many ordinals a word of upper stands for.
const setBatch = 64 * 64

// take takes the hits of a word of upper out of the set.
func (h *ordinalSet) take() []hit {
	if h.batch == nil {
		h.batch = make([]hit, setBatch)
	}
	first, left, batch := 64*h.at, h.upper[h.at], h.batch[:0]
	h.upper[h.at] = 0
	words := h.words[first : first+64]
	bounds := h.owners.bounds.Leaf(first >> vector.LeafBits)
	if bounds == nil { // the first run of all goes on
		bounds = new(vector.Leaf[runBounds])
	}
	for ; left != 0; left &= left - 1 {
		at := uint32(bits.TrailingZeros64(left)) % 64
		set := words[at]
		words[at] = 0
		b := &bounds.Items[(first+at)%(1<<vector.LeafBits)]
		for ; set != 0; set &= set - 1 {
			ordinal := 64*(first+at) + uint32(bits.TrailingZeros64(set))%64
			batch = append(batch, hit{ordinal, b.runStart(ordinal)})
		}
	}
	return batch
}

// clear empties the set.
func (h *ordinalSet) clear() {
	for i := int(h.at); i < len(h.upper); i++ {
		for left := h.upper[i]; left != 0; left &= left - 1 {
			h.words[i*64+bits.TrailingZeros64(left)] = 0
		}
		h.upper[i] = 0
	}
}
