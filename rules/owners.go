package rules

import (
	"math/bits"

	"github.com/notifyd/notifyd/rulespec"
)

// owners is whose the slots are. A stretch is slots in a row of one owner; most owners have one, and then the slot that
// it starts with stands for the owner, and nothing needs to be looked up. A slot without a filter stays with its last owner.
type owners struct {
	of     vec[uint32] // by slot: the owner's number; 0: nobody's yet
	starts bitset      // slots that a stretch starts with
	split  bitset      // of these: whether the owner may have another stretch
}

// ownerField is the field with the values of which owners share their numbers: most owners are named by a filter of
// their own. An owner's number is the predicate that the event has the owner there.
const ownerField = "user"

// A householder is what whoever changes owners knows of one: a slot of the owner's + 1, and whether there may be several
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

// own gives a slot to an owner.
func (x *Index) own(slot, owner uint32) {
	o := &x.next.owners
	old := o.of.at(slot)
	if old == owner {
		return
	}
	for int(owner) >= len(x.households) {
		x.households = append(x.households, make([]householder, len(x.next.preds)-len(x.households))...)
	}
	if old != 0 {
		x.households[old].split = true
		if slot > 0 && o.of.at(slot-1) == old {
			o.split.set(x.edit, o.start(slot-1), true)
		}
	}
	o.of.set(x.edit, slot, owner)
	for _, at := range [2]uint32{slot, slot + 1} {
		mine := o.of.at(at)
		o.starts.set(x.edit, at, mine != 0 && (at == 0 || o.of.at(at-1) != mine))
	}
	x.settle(slot)
	x.settle(slot + 1)
}

// settle keeps the promise of split for the stretch that slot is in.
func (x *Index) settle(slot uint32) {
	o := &x.next.owners
	owner := o.of.at(slot)
	if owner == 0 {
		return
	}
	start, h := o.start(slot), &x.households[owner]
	switch {
	case h.split:
	case h.first == 0:
		h.first = start + 1
	case o.of.at(h.first-1) != owner:
		h.split = true
	default:
		if first := o.start(h.first - 1); first != start {
			h.split = true
			o.split.set(x.edit, first, true)
		}
	}
	o.split.set(x.edit, start, h.split)
}

// start gives the slot that the stretch of a slot, which is somebody's, starts with.
func (o *owners) start(slot uint32) uint32 { return o.startFrom(slot, 0) }

// startFrom is start for a stretch that does not start before word, or else for what starts in or before it: then it
// gives the first slot of word.
func (o *owners) startFrom(slot, word uint32) uint32 {
	at := slot / 64
	starts := o.starts.words.at(at) & (2<<(slot%64) - 1)
	for starts == 0 && at > word {
		at--
		starts = o.starts.words.at(at)
	}
	return at*64 + uint32(max(bits.Len64(starts), 1)-1)
}
