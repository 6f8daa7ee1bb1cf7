package rules

import (
	"slices"
)

const (
	flatWords = 1024 // words of a node above which it is divided into groups
	blockIDs  = 4096 // filters of a block at most: adding one moves 16 KiB at most
)

// A node has the filters that hang from one predicate, grouped by signature. Few stand in one array, many in blocks; a
// filter is a slot.
type node struct {
	owner *edit
	flat  []uint32 // runs of: signature, number, that many slots in order
	large *large   // not nil: they are there, and flat is empty
}

// large is the filters of a node that has many.
type large struct {
	size   int
	groups []group // by signature
}

// A group is the slots with one signature, in order, in blocks that are never empty.
type group struct {
	owner  *edit
	sig    uint32
	blocks []*block
}

type block struct {
	owner *edit
	slots []uint32
}

// own gives n, or a copy where it is not e's.
func (n *node) own(e *edit) *node {
	switch {
	case n == nil:
		return &node{owner: e}
	case n.owner == e:
		return n
	case n.large == nil:
		return &node{owner: e, flat: append(make([]uint32, 0, len(n.flat)+3), n.flat...)}
	}
	return &node{owner: e, large: &large{size: n.large.size, groups: slices.Clone(n.large.groups)}}
}

// crowd is how many blocks the filters of a node would fill.
func (n *node) crowd() int {
	if n == nil || n.large == nil {
		return 0
	}
	return n.large.size / blockIDs
}

func (n *node) empty() bool { return len(n.flat) == 0 && n.large == nil }

// put adds a slot, which is not there yet. n must be e's.
func (n *node) put(e *edit, sig, slot uint32) {
	if n.large == nil {
		if n.putFlat(sig, slot); len(n.flat) > flatWords {
			n.divide(e)
		}
		return
	}
	n.large.size++
	at, found := n.large.group(sig)
	if !found {
		n.large.groups = slices.Insert(n.large.groups, at, group{owner: e, sig: sig})
	}
	n.large.groups[at].put(e, slot)
}

func (n *node) putFlat(sig, slot uint32) {
	for i := 0; i < len(n.flat); i += 2 + int(n.flat[i+1]) {
		if n.flat[i] == sig {
			run := n.flat[i+2 : i+2+int(n.flat[i+1])]
			at, _ := slices.BinarySearch(run, slot)
			n.flat[i+1]++
			n.flat = slices.Insert(n.flat, i+2+at, slot)
			return
		}
	}
	n.flat = append(n.flat, sig, 1, slot)
}

// divide makes groups of what is flat.
func (n *node) divide(e *edit) {
	n.large = &large{}
	for i := 0; i < len(n.flat); i += 2 + int(n.flat[i+1]) {
		run := slices.Clone(n.flat[i+2 : i+2+int(n.flat[i+1])])
		n.large.groups = append(n.large.groups, group{owner: e, sig: n.flat[i], blocks: []*block{{owner: e, slots: run}}})
		n.large.size += len(run)
	}
	slices.SortFunc(n.large.groups, func(a, b group) int { return int(a.sig) - int(b.sig) })
	n.flat = nil
}

func (l *large) group(sig uint32) (int, bool) {
	return slices.BinarySearchFunc(l.groups, sig, func(g group, sig uint32) int { return int(g.sig) - int(sig) })
}

// drop takes a slot out, which is there. n must be e's.
func (n *node) drop(e *edit, sig, slot uint32) {
	if n.large != nil {
		at, _ := n.large.group(sig)
		if g := &n.large.groups[at]; g.drop(e, slot) {
			n.large.groups = slices.Delete(n.large.groups, at, at+1)
		}
		if n.large.size--; n.large.size == 0 {
			n.large = nil
		}
		return
	}
	for i := 0; i < len(n.flat); i += 2 + int(n.flat[i+1]) {
		if n.flat[i] != sig {
			continue
		}
		run := n.flat[i+2 : i+2+int(n.flat[i+1])]
		at, _ := slices.BinarySearch(run, slot)
		if n.flat[i+1]--; n.flat[i+1] == 0 {
			n.flat = slices.Delete(n.flat, i, i+3)
		} else {
			n.flat = slices.Delete(n.flat, i+2+at, i+3+at)
		}
		return
	}
}

// block gives the place of the block that slot belongs in.
func (g *group) block(slot uint32) int {
	at, found := slices.BinarySearchFunc(g.blocks, slot, func(b *block, slot uint32) int { return int(b.slots[0]) - int(slot) })
	if !found && at > 0 {
		at--
	}
	return at
}

func (g *group) put(e *edit, slot uint32) {
	g.own(e)
	if len(g.blocks) == 0 {
		g.blocks = append(g.blocks, &block{owner: e, slots: []uint32{slot}})
		return
	}
	i := g.block(slot)
	b := g.blocks[i].own(e)
	g.blocks[i] = b
	at, _ := slices.BinarySearch(b.slots, slot)
	switch {
	case len(b.slots) < blockIDs:
		b.slots = slices.Insert(b.slots, at, slot)
	case at == blockIDs && i == len(g.blocks)-1: // filters that are loaded in order fill their blocks
		g.blocks = append(g.blocks, &block{owner: e, slots: []uint32{slot}})
	default:
		half := &block{owner: e, slots: slices.Clone(b.slots[blockIDs/2:])}
		b.slots = b.slots[:blockIDs/2]
		g.blocks = slices.Insert(g.blocks, i+1, half)
		g.put(e, slot)
	}
}

// drop takes a slot out and says whether none is left.
func (g *group) drop(e *edit, slot uint32) (empty bool) {
	g.own(e)
	i := g.block(slot)
	b := g.blocks[i].own(e)
	g.blocks[i] = b
	at, _ := slices.BinarySearch(b.slots, slot)
	if b.slots = slices.Delete(b.slots, at, at+1); len(b.slots) == 0 {
		g.blocks = slices.Delete(g.blocks, i, i+1)
	}
	return len(g.blocks) == 0
}

func (g *group) own(e *edit) {
	if g.owner != e {
		g.owner, g.blocks = e, slices.Clone(g.blocks)
	}
}

func (b *block) own(e *edit) *block {
	if b.owner == e {
		return b
	}
	return &block{owner: e, slots: slices.Clone(b.slots)}
}
