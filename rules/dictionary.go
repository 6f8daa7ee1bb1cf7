package rules

import (
	"encoding/binary"
	"hash/maphash"
	"sync/atomic"
)

// dictionary finds the predicate of a field and a value. Readers look up while the writer adds; nothing is ever taken out. A
// reader that meets a predicate younger than its view passes it by.
type dictionary struct {
	seed  maphash.Seed
	used  int
	cells []atomic.Uint64 // upper half: hash, lower half: predicate + 1; 0: free
}

func newDictionary(size int) *dictionary {
	return &dictionary{seed: maphash.MakeSeed(), cells: make([]atomic.Uint64, size)}
}

func (t *dictionary) hash(field uint8, value string) uint64 {
	return maphash.String(t.seed, value) + salt(field)
}

// salt tells the hashes of the fields apart; its factor is 2^64 divided by the golden ratio.
func salt(field uint8) uint64 { return uint64(field) * 0x9e3779b97f4a7c15 }

// find gives the predicate of value in field, as far as v knows it.
func (t *dictionary) find(v *view, field uint8, value string) (uint32, bool) {
	h := t.hash(field, value)
	mask := uint64(len(t.cells) - 1)
	for i := h & mask; ; i = (i + 1) & mask {
		cell := t.cells[i].Load()
		if cell == 0 {
			return 0, false
		}
		if id := uint32(cell) - 1; uint32(cell>>32) == uint32(h>>32) && int(id) < len(v.preds) {
			if p := v.preds[id]; p.field == field && string(v.names.at(p.at)) == value {
				return id, true
			}
		}
	}
}

// A probe is a look at whether there is a predicate of a field and a value.
type probe struct {
	value string
	hash  uint64
	cell  uint64 // the first that the hash leads to
	ref   uint32 // of what stands at the predicate
	id    uint32
	field uint8
	known bool // there is such a predicate: id
}

// findAll is find for all probes, whose hashes are known. What it reads of the table for one does not depend on another,
// so the processor waits for all of them at once.
func (t *dictionary) findAll(v *view, probes []probe) {
	mask := uint64(len(t.cells) - 1)
	for i := range probes {
		probes[i].cell = t.cells[probes[i].hash&mask].Load()
	}
	for i := range probes {
		p := &probes[i]
		cell := p.cell
		for at := p.hash; cell != 0; {
			if id := uint32(cell) - 1; uint32(cell>>32) == uint32(p.hash>>32) && int(id) < len(v.preds) {
				if is := v.preds[id]; is.field == p.field && string(v.names.at(is.at)) == p.value {
					p.id, p.known = id, true
					break
				}
			}
			at++
			cell = t.cells[at&mask].Load()
		}
	}
}

// add puts in a predicate that is not there yet, and gives the table to use from now on: a larger one when t is full.
func (t *dictionary) add(v *view, field uint8, value string, id uint32) *dictionary {
	if 4*t.used >= 3*len(t.cells) {
		larger := &dictionary{seed: t.seed, cells: make([]atomic.Uint64, 2*len(t.cells))}
		for i := range t.cells {
			if cell := t.cells[i].Load(); cell != 0 {
				p := v.preds[uint32(cell)-1]
				larger.put(maphash.Bytes(t.seed, v.names.at(p.at))+salt(p.field), uint32(cell)-1)
			}
		}
		t = larger
	}
	t.put(t.hash(field, value), id)
	return t
}

func (t *dictionary) put(h uint64, id uint32) {
	mask := uint64(len(t.cells) - 1)
	i := h & mask
	for t.cells[i].Load() != 0 {
		i = (i + 1) & mask
	}
	t.cells[i].Store(h>>32<<32 | uint64(id+1))
	t.used++
}

// stringArena keeps many short texts in few large blocks, so that the collector has nothing to do with them. It only grows.
type stringArena struct {
	blocks [][]byte
	used   int // of the last block
}

const arenaBlock = 1 << 16

// add keeps a text and gives its place.
func (n *stringArena) add(text string) uint32 {
	var head [binary.MaxVarintLen64]byte
	size := binary.PutUvarint(head[:], uint64(len(text)))
	if len(n.blocks) == 0 || n.used+size+len(text) > len(n.blocks[len(n.blocks)-1]) {
		n.blocks = append(n.blocks, make([]byte, max(arenaBlock, size+len(text))))
		n.used = 0
	}
	block := n.blocks[len(n.blocks)-1]
	at := uint32(len(n.blocks)-1)<<16 | uint32(n.used)
	n.used += copy(block[n.used:], head[:size])
	n.used += copy(block[n.used:], text)
	return at
}

// at gives the text at a place that add gave. The caller must not change it.
func (n *stringArena) at(place uint32) []byte {
	block := n.blocks[place>>16][place&0xffff:]
	if size := int(block[0]); size < 0x80 { // as most are
		return block[1 : 1+size]
	}
	size, head := binary.Uvarint(block)
	return block[head : head+int(size)]
}
