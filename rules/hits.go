package rules

import "math/bits"

// hits is a set of slots: a bit for each, and a bit for each word of bits, so that what there is is found in order and
// what there is not costs nothing.
type hits struct {
	words, upper []uint64
}

// fill puts the slots of r into h. What was in it is gone.
func (h *hits) fill(r *Result) {
	h.clear()
	if n := len(r.view.pages) << pageBits / 64; len(h.words) < n {
		h.words = make([]uint64, n+n/4)
		h.upper = make([]uint64, len(h.words)/64+1)
	}
	for _, run := range r.runs {
		word, set := run[0]/64, uint64(0)
		for _, slot := range run {
			if at := slot / 64; at != word {
				h.words[word] |= set
				h.upper[word/64] |= 1 << (word % 64)
				word, set = at, 0
			}
			set |= 1 << (slot % 64)
		}
		h.words[word] |= set
		h.upper[word/64] |= 1 << (word % 64)
	}
	for _, slot := range r.dead {
		h.words[slot/64] &^= 1 << (slot % 64)
	}
}

func (h *hits) clear() {
	for i, set := range h.upper {
		for ; set != 0; set &= set - 1 {
			h.words[i*64+bits.TrailingZeros64(set)] = 0
		}
		h.upper[i] = 0
	}
}

// each gives the words that are not 0, in order.
func (h *hits) each(yield func(word uint32, set uint64) bool) {
	for i, upper := range h.upper {
		for ; upper != 0; upper &= upper - 1 {
			word := i*64 + bits.TrailingZeros64(upper)
			if set := h.words[word]; set != 0 && !yield(uint32(word), set) {
				return
			}
		}
	}
}
