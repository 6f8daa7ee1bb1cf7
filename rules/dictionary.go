package rules

import (
	"encoding/binary"
	"hash/maphash"
	"sync/atomic"
)

// A dictionary finds the term of a field and a value: a hash table with open addressing. Readers look up while the
// writer adds, and nothing is ever taken out. A reader that meets a term younger than its view passes it by.
type dictionary struct {
	seed  maphash.Seed
	used  int
	cells []atomic.Uint64 // upper half: hash, lower half: predicate + 1; 0: free
}

func newDictionary(size int) *dictionary {
	return &dictionary{seed: maphash.MakeSeed(), cells: make([]atomic.Uint64, size)}
}

func (d *dictionary) hash(field uint8, value string) uint64 {
	return maphash.String(d.seed, value) + salt(field)
}

// salt makes the hashes of the fields different; its factor is 2^64 divided by the golden ratio.
func salt(field uint8) uint64 { return uint64(field) * 0x9e3779b97f4a7c15 }

// find gives the term of a value in a field, as far as v knows it.
func (d *dictionary) find(v *view, field uint8, value string) (uint32, bool) {
	h := d.hash(field, value)
	mask := uint64(len(d.cells) - 1)
	for i := h & mask; ; i = (i + 1) & mask {
		cell := d.cells[i].Load()
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

// A probe looks for the term of a field and a value.
type probe struct {
	value string
	hash  uint64
	cell  uint64 // the first that the hash leads to
	ref   uint32 // of the term's postings
	id    uint32 // the term, when it is known
	field uint8
	known bool
}

// findAll is find for all probes, whose hashes are known. What it reads of the table for one does not depend on
// another, so the processor waits for all of them at once.
func (d *dictionary) findAll(v *view, probes []probe) {
	mask := uint64(len(d.cells) - 1)
	for i := range probes {
		probes[i].cell = d.cells[probes[i].hash&mask].Load()
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
			cell = d.cells[at&mask].Load()
		}
	}
}

// add adds a term that is not there yet, and gives the dictionary to use from now on: a larger one when d is full.
func (d *dictionary) add(v *view, field uint8, value string, id uint32) *dictionary {
	if 4*d.used >= 3*len(d.cells) {
		larger := &dictionary{seed: d.seed, cells: make([]atomic.Uint64, 2*len(d.cells))}
		for i := range d.cells {
			if cell := d.cells[i].Load(); cell != 0 {
				p := v.preds[uint32(cell)-1]
				larger.put(maphash.Bytes(d.seed, v.names.at(p.at))+salt(p.field), uint32(cell)-1)
			}
		}
		d = larger
	}
	d.put(d.hash(field, value), id)
	return d
}

func (d *dictionary) put(h uint64, id uint32) {
	mask := uint64(len(d.cells) - 1)
	i := h & mask
	for d.cells[i].Load() != 0 {
		i = (i + 1) & mask
	}
	d.cells[i].Store(h>>32<<32 | uint64(id+1))
	d.used++
}

// A stringArena keeps many short texts in few large blocks, so that the collector has nothing to do with them. It only
// grows.
type stringArena struct {
	blocks [][]byte
	used   int // of the last block
}

const arenaBlock = 1 << 16

// add keeps a text and gives its address.
func (a *stringArena) add(text string) uint32 {
	var head [binary.MaxVarintLen64]byte
	size := binary.PutUvarint(head[:], uint64(len(text)))
	if len(a.blocks) == 0 || a.used+size+len(text) > len(a.blocks[len(a.blocks)-1]) {
		a.blocks = append(a.blocks, make([]byte, max(arenaBlock, size+len(text))))
		a.used = 0
	}
	block := a.blocks[len(a.blocks)-1]
	at := uint32(len(a.blocks)-1)<<16 | uint32(a.used)
	a.used += copy(block[a.used:], head[:size])
	a.used += copy(block[a.used:], text)
	return at
}

// at gives the text at an address that add gave. The caller must not change it.
func (a *stringArena) at(address uint32) []byte {
	block := a.blocks[address>>16][address&0xffff:]
	if size := int(block[0]); size < 0x80 { // as most are
		return block[1 : 1+size]
	}
	size, head := binary.Uvarint(block)
	return block[head : head+int(size)]
}
