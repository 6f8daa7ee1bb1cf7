package postings

import (
	"slices"

	"github.com/notifyd/notifyd/rules/vector"
)

// An arena has many small arrays of words in few large chunks, so that they take little more than their words and the
// collector has nothing to do with them. What is in it never changes: an array that changes is written anew, at the
// end. When much is dead, what lives in the chunk with most dead words is moved to the end and the chunk let go, as a
// log-structured store cleans its segments (M. Rosenblum, J. Ousterhout, 1992).
type arena struct {
	chunks []*chunk
	owner  *vector.Transient // may change the list of chunks; others share it
	use    []use
	spare  []uint32 // numbers of chunks that are not there
	now    uint32   // the chunk that is being filled
	words  int      // that are written in all chunks
	dead   int      // of these
}

const (
	chunkBits = 14
	// arrayHead is the words in front of an array: the predicate that it belongs to, and how many words it has.
	arrayHead = 2
)

type chunk [1 << chunkBits]uint32

// A use is how many words of a chunk are written, and how many of these are dead.
type use struct{ written, dead uint32 }

// at gives the array at an address that put gave.
func (a *arena) at(address uint32) Lists {
	c := a.chunks[address>>chunkBits]
	at := address & (1<<chunkBits - 1)
	return c[at+arrayHead : at+arrayHead+c[at+1]]
}

// put makes room for an array of size words, which the caller must fill before readers see it. No address is 0.
func (a *arena) put(t *vector.Transient, predicate uint32, size int) (address uint32, words Lists) {
	need := uint32(size + arrayHead)
	if len(a.chunks) == 0 || a.use[a.now].written+need > 1<<chunkBits {
		a.open(t)
	}
	u := &a.use[a.now]
	at := u.written
	u.written += need
	a.words += int(need)
	c := a.chunks[a.now]
	c[at], c[at+1] = predicate, uint32(size)
	return a.now<<chunkBits | at, c[at+arrayHead : at+need]
}

// open begins a chunk.
func (a *arena) open(t *vector.Transient) {
	a.own(t)
	if n := len(a.spare); n > 0 {
		a.now, a.spare = a.spare[n-1], a.spare[:n-1]
	} else {
		a.now = uint32(len(a.chunks))
		a.chunks, a.use = append(a.chunks, nil), append(a.use, use{})
	}
	a.chunks[a.now] = new(chunk)
	if a.use[a.now] = (use{}); a.now == 0 {
		a.use[a.now].written = 1
	}
}

// own makes the list of chunks t's.
func (a *arena) own(t *vector.Transient) {
	if a.owner != t {
		a.owner, a.chunks = t, slices.Clone(a.chunks)
	}
}

// drop counts the array at an address as dead.
func (a *arena) drop(t *vector.Transient, address uint32) {
	number := address >> chunkBits
	size := a.chunks[number][address&(1<<chunkBits-1)+1] + arrayHead
	u := &a.use[number]
	u.dead += size
	a.dead += int(size)
	if number != a.now && u.dead == u.written {
		a.free(t, number)
	}
}

// free lets a chunk go in which nothing lives.
func (a *arena) free(t *vector.Transient, number uint32) {
	a.own(t)
	a.words -= int(a.use[number].written)
	a.dead -= int(a.use[number].dead)
	a.chunks[number], a.use[number] = nil, use{}
	a.spare = append(a.spare, number)
}

// worst gives the chunk with most dead words, when too many are dead: more than an eighth, and those of two chunks.
func (a *arena) worst() (number uint32, tooMany bool) {
	if a.dead <= a.words/8+2<<chunkBits {
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

// clean moves what lives in chunks with too many dead words.
func (s *Shard) clean(t *vector.Transient) {
	for {
		number, tooMany := s.words.worst()
		if !tooMany {
			return
		}
		s.move(t, number)
	}
}

// move moves what lives in a chunk, and lets go of the chunk.
func (s *Shard) move(t *vector.Transient, number uint32) {
	c, written := s.words.chunks[number], s.words.use[number].written
	at := uint32(0)
	if number == 0 {
		at = 1
	}
	for at < written {
		predicate, size := c[at], c[at+1]
		if s.refs.At(predicate) == number<<chunkBits|at {
			address, words := s.words.put(t, predicate, int(size))
			copy(words, c[at+arrayHead:])
			s.refs.Set(t, predicate, address)
		}
		at += arrayHead + size
	}
	s.words.free(t, number)
}
