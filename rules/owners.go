package rules

import (
	"math/bits"

	"github.com/notifyd/notifyd/rules/vector"
	"github.com/notifyd/notifyd/rulespec"
)

// owners is whose the ordinals are. A stretch is ordinals in a row of one owner; most owners have one, and then the ordinal that
// it starts with stands for the owner, and nothing needs to be looked up. An ordinal without a filter stays with its last owner.
type owners struct {
	of     vector.Vector[uint32] // by ordinal: the owner's number; 0: nobody's yet
	bounds vector.Vector[bound]  // by 64 ordinals
}

// A bound says of 64 ordinals where stretches start, a bit each.
type bound struct {
	starts uint64
	split  uint64 // of these: whether the owner may have another stretch
	// before is the start of the stretch that the ordinals before the first start are in, or manyStretches where the owner
	// may have another.
	before uint32
}

// No ordinal has these numbers.
const (
	manyStretches = ^uint32(0)
	noStart       = manyStretches - 1
)

// stretch gives the start of the stretch of one of the ordinals that b is for, or manyStretches.
func (b *bound) stretch(ordinal uint32) uint32 {
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

// carry keeps the promise of before for the bounds behind ordinal, whose starts or splits have changed.
func (x *Index) carry(ordinal uint32) {
	o := &x.next.owners
	for at := ordinal/64 + 1; int(at) < len(x.ordinals.pages)<<pageBits/64; at++ {
		was := o.bounds.At(at - 1)
		before := was.stretch(64*at - 1)
		if o.bounds.At(at).before == before {
			return
		}
		o.bounds.Item(x.transient, at).before = before
	}
}

// ownerField is the field with the values of which owners share their numbers: most owners are named by a filter of
// their own. An owner's number is the predicate that the event has the owner there.
const ownerField = "user"

// A householder is what whoever changes owners knows of one: an ordinal of the owner's + 1, and whether there may be several
// stretches, from then on for ever.
type householder struct {
	first uint32
	split bool
}

// number gives the number of an owner.
func (x *Index) number(owner string) uint32 {
	if x.last.number == 0 || x.last.owner != owner {
		x.last.owner, x.last.number = owner, x.internTerm(rulespec.Key{Field: ownerField, Value: owner})
	}
	return x.last.number
}

// own gives an ordinal to an owner.
func (x *Index) own(ordinal, owner uint32) {
	o := &x.next.owners
	old := o.of.At(ordinal)
	if old == owner {
		return
	}
	for int(owner) >= len(x.households) {
		x.households = append(x.households, make([]householder, len(x.next.preds)-len(x.households))...)
	}
	if old != 0 {
		x.households[old].split = true
		if ordinal > 0 && o.of.At(ordinal-1) == old {
			x.splits(o.start(ordinal - 1))
		}
	}
	o.of.Set(x.transient, ordinal, owner)
	for _, at := range [2]uint32{ordinal, ordinal + 1} {
		mine := o.of.At(at)
		o.setStart(x.transient, at, mine != 0 && (at == 0 || o.of.At(at-1) != mine))
	}
	x.settle(ordinal)
	x.settle(ordinal + 1)
	x.carry(max(ordinal, 1) - 1)
	x.carry(ordinal)
	x.carry(ordinal + 1)
}

// settle keeps the promise of split for the stretch that ordinal is in.
func (x *Index) settle(ordinal uint32) {
	o := &x.next.owners
	owner := o.of.At(ordinal)
	if owner == 0 {
		return
	}
	start, h := o.start(ordinal), &x.households[owner]
	switch {
	case h.split:
	case h.first == 0:
		h.first = start + 1
	case o.of.At(h.first-1) != owner:
		h.split = true
	default:
		if first := o.start(h.first - 1); first != start {
			h.split = true
			x.splits(first)
		}
	}
	o.setSplit(x.transient, start, h.split)
	x.carry(start)
}

// splits notes that the owner of the stretch that starts with an ordinal may have another.
func (x *Index) splits(start uint32) {
	x.next.owners.setSplit(x.transient, start, true)
	x.carry(start)
}

// start gives the ordinal that the stretch of an ordinal, which is somebody's, starts with.
func (o *owners) start(ordinal uint32) uint32 {
	at := ordinal / 64
	starts := o.bounds.At(at).starts & (2<<(ordinal%64) - 1)
	for starts == 0 {
		at--
		starts = o.bounds.At(at).starts
	}
	return at*64 + uint32(bits.Len64(starts)) - 1
}
