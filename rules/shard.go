package rules

import (
	"slices"

	"github.com/notifyd/notifyd/rules/vector"
)

// A shard is where the filters of some owners hang, by predicate. The filters of an owner are all in one, so that many
// changes can be made by as many goroutines as there are shards; the predicates, and what an event says of them, are the
// same for all.
type shard struct {
	nodes  vector.Vector[uint32] // by predicate: a place in words, or with largeNode a number of large; 0: nothing hangs there
	words  arena
	large  vector.Vector[*large]
	spare  []uint32 // numbers of large that are free
	larges uint32   // how many numbers of large there are

	writer flatWriter
}

// largeNode marks what is no place in the arena.
const largeNode = 1 << 31

// Signatures that are none: what stands at a predicate beside the filters that hang from it.
const (
	sigAbove  uint32 = iota // of a term: the predicates that it is one of the keys of
	sigKilled               // the filters that have the predicate under not, and do not match when it holds
	sigFirst                // the first that is one
)

// aboveShard is the shard with what stands at sigAbove.
const aboveShard = 0

const (
	flatWords = 1024 // words of a node above which it is divided
	runMost   = 128  // ordinals with one signature in a divided node above which they stand in blocks
	blockMost = 4096 // ordinals of a block at most: adding one copies 16 KiB at most
)

// large is a node with much: a flat, and groups of ordinals whose signature has many.
type large struct {
	size   int // ordinals in all
	rest   flat
	groups []group  // by signature
	sigs   []uint32 // theirs: so many are looked through faster
	// eachOneTerm says that each of sigs is one term: see the mark of that name.
	eachOneTerm bool
}

// A group is the ordinals with one signature, in order, in blocks that are never empty and never change.
type group struct {
	sig    uint32
	size   int
	blocks [][]uint32
}

// node gives what stands at a predicate.
func (s *shard) node(pred uint32) (flat, *large) {
	if place := s.nodes.At(pred); place != 0 {
		return s.read(place)
	}
	return nil, nil
}

// read gives what stands at a place that is not 0.
func (s *shard) read(place uint32) (flat, *large) {
	if place&largeNode == 0 {
		return s.words.at(place), nil
	}
	l := s.large.At(place &^ largeNode)
	return l.rest, l
}

// count gives how many ordinals with a signature a predicate has.
func (s *shard) count(pred, sig uint32) int {
	f, l := s.node(pred)
	if l != nil {
		if at, found := l.group(sig); found {
			return l.groups[at].size
		}
	}
	return len(f.find(sig))
}

// crowd is how many blocks the filters at a predicate would fill.
func (s *shard) crowd(pred uint32) int {
	if _, l := s.node(pred); l != nil {
		return l.size / blockMost
	}
	return 0
}

func (l *large) group(sig uint32) (int, bool) { return slices.BinarySearch(l.sigs, sig) }

func findGroup(groups []group, sig uint32) (int, bool) {
	return slices.BinarySearchFunc(groups, sig, func(g group, sig uint32) int { return int(g.sig) - int(sig) })
}

// apply does ops, which are in order.
func (s *shard) apply(e *vector.Transient, ops []op) {
	for len(ops) > 0 {
		n := 1
		for n < len(ops) && ops[n].pred == ops[0].pred {
			n++
		}
		s.change(e, ops[:n])
		ops = ops[n:]
	}
	for {
		number, tooMuch := s.words.worst()
		if !tooMuch {
			return
		}
		s.move(e, number)
	}
}

// move moves what lives in a chunk of the arena, and lets go of the chunk.
func (s *shard) move(e *vector.Transient, number uint32) {
	c, written := s.words.chunks[number], s.words.use[number].written
	at := uint32(0)
	if number == 0 {
		at = 1
	}
	for at < written {
		pred, size := c[at], c[at+1]
		if s.nodes.At(pred) == number<<arenaBits|at {
			place, words := s.words.put(e, pred, int(size))
			copy(words, c[at+arenaHead:])
			s.nodes.Set(e, pred, place)
		}
		at += arenaHead + size
	}
	s.words.free(e, number)
}
