package rules

import "math/bits"

// ownAll finds out where the stretches of owners are, after each ordinal was given to its owner and nothing else was done.
func (x *Index) ownAll() {
	o := &x.next.owners
	starts := make([]uint64, len(x.ordinals.pages)<<pageBits/64)
	x.households = make([]householder, len(x.next.preds))
	last := uint32(0)
	for i := range starts {
		for bit := range uint32(64) {
			ordinal := uint32(i)*64 + bit
			owner := o.of.At(ordinal)
			if owner != last && owner != 0 {
				starts[i] |= 1 << bit
				if h := &x.households[owner]; h.first == 0 {
					h.first = ordinal + 1
				} else {
					h.split = true
				}
			}
			last = owner
		}
	}
	before := uint32(0)
	for i, word := range starts {
		b := bound{starts: word, before: before}
		for rest := word; rest != 0; rest &= rest - 1 {
			bit := uint32(bits.TrailingZeros64(rest))
			before = uint32(i)*64 + bit
			if x.households[o.of.At(before)].split {
				b.split |= 1 << bit
				before = manyStretches
			}
		}
		o.bounds.Set(x.transient, uint32(i), b)
	}
}
