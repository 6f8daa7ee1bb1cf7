package rules

import (
	"slices"

	"github.com/notifyd/notifyd/rules/vector"
)

// An arena has many small arrays of words in few large ones, so that they take little more than their words and the
// collector has nothing to do with them. What is in it never changes: an array that changes is written anew, and when
// much is dead, what lives in the chunk with most of it is moved.
type arena struct {
	chunks []*arenaChunk
	keeper *vector.Transient // may change chunks; others share them
	use    []chunkUse
	spare  []uint32 // numbers of chunks that are not there
	now    uint32   // the chunk that is being filled
	words  int      // that are written in all chunks
	dead   int      // of these
}

const (
	arenaBits = 14
	// arenaHead is the words in front of an array: the predicate that it belongs to, and how many words it has.
	arenaHead = 2
)

type arenaChunk [1 << arenaBits]uint32

// A chunkUse is how many words of a chunk are written, and how many of these are dead.
type chunkUse struct{ written, dead uint32 }

// at gives the array at a place that put gave.
func (a *arena) at(place uint32) flat {
	c := a.chunks[place>>arenaBits]
	at := place & (1<<arenaBits - 1)
	return c[at+arenaHead : at+arenaHead+c[at+1]]
}

// put makes room for an array of size words, which the caller must fill before readers see the edit. No place is 0.
func (a *arena) put(e *vector.Transient, pred uint32, size int) (place uint32, words flat) {
	need := uint32(size + arenaHead)
	if len(a.chunks) == 0 || a.use[a.now].written+need > 1<<arenaBits {
		a.open(e)
	}
	u := &a.use[a.now]
	at := u.written
	u.written += need
	a.words += int(need)
	c := a.chunks[a.now]
	c[at], c[at+1] = pred, uint32(size)
	return a.now<<arenaBits | at, c[at+arenaHead : at+need]
}

// open begins a chunk.
func (a *arena) open(e *vector.Transient) {
	a.own(e)
	if n := len(a.spare); n > 0 {
		a.now, a.spare = a.spare[n-1], a.spare[:n-1]
	} else {
		a.now = uint32(len(a.chunks))
		a.chunks, a.use = append(a.chunks, nil), append(a.use, chunkUse{})
	}
	a.chunks[a.now] = new(arenaChunk)
	if a.use[a.now] = (chunkUse{}); a.now == 0 {
		a.use[a.now].written = 1
	}
}

// own makes the list of chunks e's.
func (a *arena) own(e *vector.Transient) {
	if a.keeper != e {
		a.keeper, a.chunks = e, slices.Clone(a.chunks)
	}
}

// drop counts the array at place as dead.
func (a *arena) drop(e *vector.Transient, place uint32) {
	number := place >> arenaBits
	size := a.chunks[number][place&(1<<arenaBits-1)+1] + arenaHead
	u := &a.use[number]
	u.dead += size
	a.dead += int(size)
	if number != a.now && u.dead == u.written {
		a.free(e, number)
	}
}

// free lets go of a chunk in which nothing lives.
func (a *arena) free(e *vector.Transient, number uint32) {
	a.own(e)
	a.words -= int(a.use[number].written)
	a.dead -= int(a.use[number].dead)
	a.chunks[number], a.use[number] = nil, chunkUse{}
	a.spare = append(a.spare, number)
}

// worst gives the chunk with most that is dead, when too much is: more than an eighth, and a few chunks.
func (a *arena) worst() (number uint32, tooMuch bool) {
	if a.dead <= a.words/8+2<<arenaBits {
		return 0, false
	}
	most := uint32(0)
	for i, u := range a.use {
		if u.dead > most && uint32(i) != a.now {
			number, most = uint32(i), u.dead
		}
	}
	return number, most > 0
}
