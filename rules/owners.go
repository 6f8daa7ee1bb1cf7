package rules

import (
	"math/bits"

	"github.com/notifyd/notifyd/rules/vector"
	"github.com/notifyd/notifyd/rulespec"
)

// owners is whose the ordinals are. A run is ordinals in a row of one owner; most owners have one, and then the ordinal that
// it starts with stands for the owner, and nothing needs to be looked up. An ordinal without a filter stays with its last owner.
type owners struct {
	of     vector.Vector[uint32]    // by ordinal: the owner's number; 0: nobody's yet
	bounds vector.Vector[runBounds] // by 64 ordinals
}

// A runBounds says of 64 ordinals where runs start, a bit each.
type runBounds struct {
	starts uint64
	split  uint64 // of these: whether the owner may have another run
	// before is the start of the run that the ordinals before the first start are in, or manyRuns where the owner
	// may have another.
	before uint32
}

// No ordinal has these numbers.
const (
	manyRuns = ^uint32(0)
	noStart  = manyRuns - 1
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

func (o *owners) setStart(e *vector.Transient, ordinal uint32, on bool) {
	if o.bounds.At(ordinal/64).starts>>(ordinal%64)&1 == 1 != on {
		o.bounds.Item(e, ordinal/64).starts ^= 1 << (ordinal % 64)
	}
}

func (o *owners) setSplit(e *vector.Transient, ordinal uint32, on bool) {
	if o.bounds.At(ordinal/64).split>>(ordinal%64)&1 == 1 != on {
		o.bounds.Item(e, ordinal/64).split ^= 1 << (ordinal % 64)
	}
}

// propagate keeps the promise of before for the bounds behind ordinal, whose starts or splits have changed.
func (x *Index) propagate(ordinal uint32) {
	o := &x.next.owners
	for at := ordinal/64 + 1; int(at) < len(x.ordinals.pages)<<pageBits/64; at++ {
		was := o.bounds.At(at - 1)
		before := was.runStart(64*at - 1)
		if o.bounds.At(at).before == before {
			return
		}
		o.bounds.Item(x.transient, at).before = before
	}
}

// ownerField is the field with the values of which owners share their numbers: most owners are named by a filter of
// their own. An owner's number is the predicate that the event has the owner there.
const ownerField = "user"

// A ownerRuns is what whoever changes owners knows of one: an ordinal of the owner's + 1, and whether there may be several
// runs, from then on for ever.
type ownerRuns struct {
	first uint32
	split bool
}

// number gives the number of an owner.
func (x *Index) ownerNumber(owner string) uint32 {
	if x.last.number == 0 || x.last.owner != owner {
		x.last.owner, x.last.number = owner, x.internTerm(rulespec.Key{Field: ownerField, Value: owner})
	}
	return x.last.number
}

// own gives an ordinal to an owner.
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
		mine := o.of.At(at)
		o.setStart(x.transient, at, mine != 0 && (at == 0 || o.of.At(at-1) != mine))
	}
	x.updateSplit(ordinal)
	x.updateSplit(ordinal + 1)
	x.propagate(max(ordinal, 1) - 1)
	x.propagate(ordinal)
	x.propagate(ordinal + 1)
}

// updateSplit keeps the promise of split for the run that ordinal is in.
func (x *Index) updateSplit(ordinal uint32) {
	o := &x.next.owners
	owner := o.of.At(ordinal)
	if owner == 0 {
		return
	}
	start, h := o.runStart(ordinal), &x.runsOf[owner]
	switch {
	case h.split:
	case h.first == 0:
		h.first = start + 1
	case o.of.At(h.first-1) != owner:
		h.split = true
	default:
		if first := o.runStart(h.first - 1); first != start {
			h.split = true
			x.markSplit(first)
		}
	}
	o.setSplit(x.transient, start, h.split)
	x.propagate(start)
}

// markSplit notes that the owner of the run that starts with an ordinal may have another.
func (x *Index) markSplit(start uint32) {
	x.next.owners.setSplit(x.transient, start, true)
	x.propagate(start)
}

// runStart gives the ordinal that the run of an ordinal, which is somebody's, starts with.
func (o *owners) runStart(ordinal uint32) uint32 {
	at := ordinal / 64
	starts := o.bounds.At(at).starts & (2<<(ordinal%64) - 1)
	for starts == 0 {
		at--
		starts = o.bounds.At(at).starts
	}
	return at*64 + uint32(bits.Len64(starts)) - 1
}
