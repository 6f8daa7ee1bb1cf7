package rules

import "math/bits"

// findRuns finds out where the runs of owners are, after each ordinal was given to its owner and nothing else was done.
func (x *Index) findRuns() {
	o := &x.next.owners
	starts := make([]uint64, len(x.ordinals.pages)<<pageBits/64)
	x.runsOf = make([]ownerRuns, len(x.next.preds))
	last := uint32(0)
	for i := range starts {
		for bit := range uint32(64) {
			ordinal := uint32(i)*64 + bit
			owner := o.of.At(ordinal)
			if owner != last && owner != 0 {
				starts[i] |= 1 << bit
				if h := &x.runsOf[owner]; h.first == 0 {
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
		b := runBounds{starts: word, before: before}
		for rest := word; rest != 0; rest &= rest - 1 {
			bit := uint32(bits.TrailingZeros64(rest))
			before = uint32(i)*64 + bit
			if x.runsOf[o.of.At(before)].split {
				b.split |= 1 << bit
				before = manyRuns
			}
		}
		o.bounds.Set(x.transient, uint32(i), b)
	}
}
