package rules

import (
	"math/bits"

	"github.com/notifyd/notifyd/rules/vector"
	"github.com/notifyd/notifyd/rulespec"
)

// owners says whose the ordinals are, so that a result can be grouped by owner. A run is ordinals in a row of one
// owner. Most owners have one run; then the ordinal that it starts with stands for the owner, and grouping needs no
// look-up. An ordinal without a filter stays with its last owner.
type owners struct {
	of     vector.Vector[uint32]    // by ordinal: the owner's number; 0: it never had one
	bounds vector.Vector[runBounds] // by 64 ordinals
}

// A runBounds is where runs start among 64 ordinals.
type runBounds struct {
	starts uint64 // a bit for each ordinal with which a run starts
	split  uint64 // of these: the owner may have another run
	before uint32 // the start of the run that the ordinals before the first start are in, or manyRuns
}

// What stands for the start of a run and is none: no ordinal has these numbers.
const (
	manyRuns = ^uint32(0)   // the owner may have several runs, so the start does not stand for the owner
	noStart  = manyRuns - 1 // there is none
)

// runStart gives the start of the run of one of the ordinals that b is for, or manyRuns.
func (b *runBounds) runStart(ordinal uint32) uint32 {
	starts := b.starts & (2<<(ordinal%64) - 1)
	if starts == 0 {
		return b.before
	}
	start := uint32(bits.Len64(starts)) - 1
	return ordinal&^63 + start | -uint32(b.split>>(start%64)&1)
}

// runStart gives the start of the run of an ordinal that has an owner.
func (o *owners) runStart(ordinal uint32) uint32 {
	at := ordinal / 64
	starts := o.bounds.At(at).starts & (2<<(ordinal%64) - 1)
	for starts == 0 {
		at--
		starts = o.bounds.At(at).starts
	}
	return at*64 + uint32(bits.Len64(starts)) - 1
}

func (o *owners) setStart(t *vector.Transient, ordinal uint32, on bool) {
	if o.bounds.At(ordinal/64).starts>>(ordinal%64)&1 == 1 != on {
		o.bounds.Item(t, ordinal/64).starts ^= 1 << (ordinal % 64)
	}
}

func (o *owners) setSplit(t *vector.Transient, ordinal uint32, on bool) {
	if o.bounds.At(ordinal/64).split>>(ordinal%64)&1 == 1 != on {
		o.bounds.Item(t, ordinal/64).split ^= 1 << (ordinal % 64)
	}
}

// An ownerRuns is what is known of the runs of one owner while filters change.
type ownerRuns struct {
	first uint32 // an ordinal of the owner's, + 1
	split bool   // there may be several runs; that stays so
}

// ownerField is the field with the values of which owners share their numbers, since most owners are named by a
// filter of their own: the number of an owner is the term that an event has the owner there.
const ownerField = "user"

// ownerNumber gives the number of an owner.
func (x *Index) ownerNumber(owner string) uint32 {
	if x.lastOwner.number == 0 || x.lastOwner.name != owner {
		x.lastOwner.name = owner
		x.lastOwner.number = x.internTerm(rulespec.Key{Field: ownerField, Value: owner})
	}
	return x.lastOwner.number
}

// setOwner gives an ordinal to an owner.
func (x *Index) setOwner(ordinal, owner uint32) {
	o := &x.next.owners
	old := o.of.At(ordinal)
	if old == owner {
		return
	}
	for int(owner) >= len(x.runsOf) {
		x.runsOf = append(x.runsOf, make([]ownerRuns, len(x.next.preds)-len(x.runsOf))...)
	}
	if old != 0 {
		x.runsOf[old].split = true
		if ordinal > 0 && o.of.At(ordinal-1) == old {
			x.markSplit(o.runStart(ordinal - 1))
		}
	}
	o.of.Set(x.transient, ordinal, owner)
	for _, at := range [2]uint32{ordinal, ordinal + 1} {
		now := o.of.At(at)
		o.setStart(x.transient, at, now != 0 && (at == 0 || o.of.At(at-1) != now))
	}
	x.updateSplit(ordinal)
	x.updateSplit(ordinal + 1)
	x.propagate(max(ordinal, 1) - 1)
	x.propagate(ordinal)
	x.propagate(ordinal + 1)
}

// updateSplit makes split true again of the run that ordinal is in.
func (x *Index) updateSplit(ordinal uint32) {
	o := &x.next.owners
	owner := o.of.At(ordinal)
	if owner == 0 {
		return
	}
	start, runs := o.runStart(ordinal), &x.runsOf[owner]
	switch {
	case runs.split:
	case runs.first == 0:
		runs.first = start + 1
	case o.of.At(runs.first-1) != owner:
		runs.split = true
	default:
		if first := o.runStart(runs.first - 1); first != start {
			runs.split = true
			x.markSplit(first)
		}
	}
	o.setSplit(x.transient, start, runs.split)
	x.propagate(start)
}

// markSplit notes that the owner of the run that starts with an ordinal may have another.
func (x *Index) markSplit(start uint32) {
	x.next.owners.setSplit(x.transient, start, true)
	x.propagate(start)
}

// propagate makes before true again of the bounds behind an ordinal whose start or split has changed.
func (x *Index) propagate(ordinal uint32) {
	o := &x.next.owners
	for at := ordinal/64 + 1; int(at) < len(x.ordinals.pages)<<pageBits/64; at++ {
		last := o.bounds.At(at - 1)
		before := last.runStart(64*at - 1)
		if o.bounds.At(at).before == before {
			return
		}
		o.bounds.Item(x.transient, at).before = before
	}
}

// findRuns finds the runs of all owners at once, after ordinals were given to owners and nothing else was done.
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
				if runs := &x.runsOf[owner]; runs.first == 0 {
					runs.first = ordinal + 1
				} else {
					runs.split = true
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
