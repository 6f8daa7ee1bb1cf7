package rules

import (
	"math/bits"

	"github.com/notifyd/notifyd/rules/vector"
)

// ordinalSet is the ordinals of a result as a bit set: a bit for each, and a bit for each word of bits, so that what there is is found
// in order and what there is not costs nothing.
type ordinalSet struct {
	words, upper []uint64
	owners       *owners
	at           uint32 // the word of upper that is next
	batch        []hit
}

// A hit is an ordinal, and the ordinal that its run starts with, or manyRuns where that does not stand for the owner.
type hit struct{ ordinal, start uint32 }

// fill makes h the ordinals of r. There must be none in it.
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

// next takes some more hits out of h, in order; none when it is empty.
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

// hitsAtOnce is how many hits there are at most in a word of upper.
const setBatch = 64 * 64

// take takes the hits of a word of upper out of h.
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

// clear takes out what is left.
func (h *ordinalSet) clear() {
	for i := int(h.at); i < len(h.upper); i++ {
		for left := h.upper[i]; left != 0; left &= left - 1 {
			h.words[i*64+bits.TrailingZeros64(left)] = 0
		}
		h.upper[i] = 0
	}
}
