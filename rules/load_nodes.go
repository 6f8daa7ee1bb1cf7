package rules

import (
	"math/bits"
)

// hang hangs what has a place where it belongs: sorted by place, so that each node is made once and whole.
func (l *loading) hang() {
	x := l.x
	for slots := l.sorted(); len(slots) > 0; {
		access, n := x.places.access[slots[0]], 1
		for n < len(slots) && x.places.access[slots[n]] == access {
			n++
		}
		x.next.nodes.set(x.edit, access, x.hangAt(x.next.nodes.at(access), slots[:n]))
		slots = slots[n:]
	}
	l.pending, l.size = nil, 0
}

// hangAt gives n with slots, which are sorted by signature.
func (x *Index) hangAt(n *node, slots []uint32) *node {
	sigs := x.places.sig
	if n == nil {
		return newNode(x.edit, slots, func(slot uint32) uint32 { return sigs[slot] })
	}
	n = n.own(x.edit)
	for _, slot := range slots {
		n.put(x.edit, sigs[slot], slot)
	}
	return n
}

// sorted gives the pending slots by access, signature and number: counted twice and put where they belong, as cards are
// sorted by machine, first by the lesser key.
func (l *loading) sorted() []uint32 {
	slots, other := make([]uint32, 0, l.size), make([]uint32, l.size)
	for i, word := range l.pending {
		for ; word != 0; word &= word - 1 {
			slots = append(slots, uint32(64*i+bits.TrailingZeros64(word)))
		}
	}
	x := l.x
	distribute(other, slots, x.places.sig, len(x.next.sigs))
	distribute(slots, other, x.places.access, len(x.next.preds))
	return slots
}

// distribute puts from into to by key, of which there are so many; what has the same key stays in its order.
func distribute(to, from []uint32, key []uint32, keys int) {
	next := make([]uint32, keys)
	for _, slot := range from {
		next[key[slot]]++
	}
	sum := uint32(0)
	for i, n := range next {
		next[i], sum = sum, sum+n
	}
	for _, slot := range from {
		to[next[key[slot]]] = slot
		next[key[slot]]++
	}
}

// newNode makes a node of slots, which are sorted by signature and number.
func newNode(e *edit, slots []uint32, sigOf func(slot uint32) uint32) *node {
	runs := 0
	for i, slot := range slots {
		if i == 0 || sigOf(slot) != sigOf(slots[i-1]) {
			runs++
		}
	}
	n := &node{owner: e}
	if words := 2*runs + len(slots); words <= flatWords {
		n.flat = make([]uint32, 0, words)
	} else {
		n.large = &large{size: len(slots), groups: make([]group, 0, runs)}
	}
	for len(slots) > 0 {
		sig, size := sigOf(slots[0]), 1
		for size < len(slots) && sigOf(slots[size]) == sig {
			size++
		}
		if n.large == nil {
			n.flat = append(append(n.flat, sig, uint32(size)), slots[:size]...)
		} else {
			n.large.groups = append(n.large.groups, newGroup(e, sig, slots[:size]))
		}
		slots = slots[size:]
	}
	return n
}

func newGroup(e *edit, sig uint32, slots []uint32) group {
	g := group{owner: e, sig: sig}
	for len(slots) > 0 {
		size := min(len(slots), blockIDs)
		g.blocks = append(g.blocks, &block{owner: e, slots: append([]uint32(nil), slots[:size]...)})
		slots = slots[size:]
	}
	return g
}
