// Package postings is the inverted index: which filters are posted under a predicate.
//
// # The idea
//
// A search engine keeps a posting list for each term: the documents that have it, as ordinals in order. Here the
// documents are filters and the terms predicates, and a filter is posted under one of its predicates only, its access
// predicate. What else it asks for are its residual predicates. Most filters under a predicate share few sets of
// these, so the postings of a predicate are grouped: a list for each set, known by its number, the residual. A
// match decides each residual once and takes or leaves its list whole (the clusters of F. Fabret et al.,
// "Filtering Algorithms and Implementation for Very Fast Publish/Subscribe Systems", SIGMOD 2001).
//
// Two more kinds of list stand beside these, under residuals that are none: Excluded, the filters that have the
// predicate under not (the exclusions of S. Whang et al., "Indexing Boolean Expressions", VLDB 2009); and Parents,
// the predicates that hold when this one does.
//
// # Where the lists stand
//
// The lists of a predicate are one array in an arena (Lists), without pointers. A predicate with many postings is
// Large: its long lists are cut into blocks, so that a change copies a block and not a list.
//
// # Invariants
//
//   - Nothing that was published changes. A shallow copy of a Shard is a version of it; a change makes the lists of a
//     predicate anew, for a vector.Transient.
//   - Lists are in the order of their residuals, ordinals within a list ascend, and no list is empty.
//   - One goroutine at a time changes a Shard; any number read its copies.
package postings

import (
	"slices"

	"github.com/notifyd/notifyd/rules/vector"
)

// Residuals that are no sets of predicates, but what else stands at a predicate.
const (
	Parents       uint32 = iota // predicates that hold, or may hold, when this one does
	Excluded                    // filters that do not match when this predicate holds
	FirstResidual               // the first that is a set of residual predicates
)

const (
	// arrayWords is the size of a predicate's array above which it becomes Large; it becomes small again below half
	// of it.
	arrayWords = 1024
	// listMost is how long a list of a Large predicate becomes before it is cut into blocks.
	listMost = 128
	// BlockSize bounds a block: to add an ordinal copies 16 KiB at most.
	BlockSize = 4096
)

// A Shard is the postings of some of the owners. All filters of an owner are in one, so that as many goroutines make
// changes as there are shards. The zero Shard has no postings.
type Shard struct {
	refs  vector.Vector[uint32] // by predicate: see Ref
	words arena
	large vector.Vector[*Large]

	// What follows belongs to the goroutine that changes.
	spare  []uint32 // numbers of large that are free
	larges uint32   // how many numbers of large there are
	writer writer
}

// largeRef marks a ref that is a number of large and no address in the arena.
const largeRef = 1 << 31

// Ref says where the lists of a predicate stand; 0: it has none. To look up many of them before reading the first lets
// the processor wait for all at once.
func (s *Shard) Ref(predicate uint32) uint32 { return s.refs.At(predicate) }

// Read gives the lists at a Ref that is not 0. large is nil where there are no more.
func (s *Shard) Read(ref uint32) (lists Lists, large *Large) {
	if ref&largeRef == 0 {
		return s.words.at(ref), nil
	}
	l := s.large.At(ref &^ largeRef)
	return l.rest, l
}

func (s *Shard) lists(predicate uint32) (Lists, *Large) {
	if ref := s.Ref(predicate); ref != 0 {
		return s.Read(ref)
	}
	return nil, nil
}

// Each calls visit with all that stands at a predicate: ordinals in order, of a residual perhaps in several pieces.
func (s *Shard) Each(predicate uint32, visit func(residual uint32, ordinals []uint32)) {
	lists, large := s.lists(predicate)
	for i := range lists.Len() {
		visit(lists.Residual(i), lists.List(i))
	}
	if large == nil {
		return
	}
	for _, l := range large.lists {
		for _, b := range l.blocks {
			visit(l.residual, b)
		}
	}
}

// Count gives how many ordinals stand at a predicate with a residual.
func (s *Shard) Count(predicate, residual uint32) int {
	lists, large := s.lists(predicate)
	if large != nil {
		if i, found := large.Search(residual); found {
			return large.lists[i].size
		}
	}
	if i, found := lists.Search(residual); found {
		return len(lists.List(i))
	}
	return 0
}

// Blocks gives how many blocks the postings of a predicate would fill.
func (s *Shard) Blocks(predicate uint32) int {
	if _, large := s.lists(predicate); large != nil {
		return large.size / BlockSize
	}
	return 0
}

// A Large is the lists of a predicate with many postings that are cut into blocks.
type Large struct {
	// Residuals are those of the lists, apart from them: so many are looked through faster.
	Residuals []uint32
	// Single says that each of Residuals is a single term: see Lists.Single.
	Single bool

	rest  Lists // the short lists
	lists []blockList
	size  int // ordinals in all
}

// A blockList is a posting list in blocks, which are never empty and never change.
type blockList struct {
	residual uint32
	size     int
	blocks   [][]uint32
}

// Search gives the index of a residual's list.
func (l *Large) Search(residual uint32) (int, bool) {
	return slices.BinarySearch(l.Residuals, residual)
}

// Blocks gives the list of the i-th residual.
func (l *Large) Blocks(i int) [][]uint32 { return l.lists[i].blocks }

func searchLists(lists []blockList, residual uint32) (int, bool) {
	return slices.BinarySearchFunc(lists, residual, func(l blockList, r uint32) int { return int(l.residual) - int(r) })
}
