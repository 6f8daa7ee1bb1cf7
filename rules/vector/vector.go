// Package vector is an array of which readers keep old versions while one writer makes the next.
//
// # The idea
//
// A Vector is persistent (J. Driscoll, N. Sarnak, D. Sleator, R. Tarjan, "Making Data Structures Persistent", 1989):
// a shallow copy of it is a version that never changes again. It is a tree of two levels below a list, and a change
// copies the path from the list to the item, not the array (path copying).
//
// Many changes are published together, so copying the path for each would be a waste. A Transient names such a batch:
// what was copied for it belongs to it and is written in place until the batch is over. (Clojure has the same two
// words for the same two things.)
//
// # Invariants
//
//   - A copy of a Vector gives the same items for ever, provided that later changes to the original are made with
//     another Transient than those before the copy.
//   - Items that were never set are the zero value.
//   - Readers of copies need no lock. One goroutine at a time changes a Vector.
package vector

const (
	// LeafBits is the binary logarithm of the items of a Leaf, innerBits that of the leaves below one inner node: a
	// change copies one of each at most, and the list of inner nodes.
	LeafBits  = 7
	innerBits = 6
)

// A Transient is a batch of changes that are published together.
type Transient struct{ _ byte } // not empty: two of them must have different addresses

// A Vector is a persistent array. The zero Vector has nothing but zero values.
type Vector[T any] struct {
	owner *Transient // of inner
	inner []*inner[T]
}

type inner[T any] struct {
	owner  *Transient
	owned  uint64 // which leaves its owner has copied too, a bit each
	leaves [1 << innerBits]*Leaf[T]
}

// A Leaf is items in a row. It has nothing beside them: of numbers it fills a size class of memory, and the collector
// need not look into it.
type Leaf[T any] struct {
	Items [1 << LeafBits]T
}

// At gives an item.
func (v *Vector[T]) At(i uint32) T {
	if l := v.Leaf(i >> LeafBits); l != nil {
		return l.Items[i&(1<<LeafBits-1)]
	}
	var zero T
	return zero
}

// Leaf gives the leaf with the items from number<<LeafBits on, to read many of them; nil where none was ever set.
func (v *Vector[T]) Leaf(number uint32) *Leaf[T] {
	if at := number >> innerBits; int(at) < len(v.inner) && v.inner[at] != nil {
		return v.inner[at].leaves[number&(1<<innerBits-1)]
	}
	return nil
}

// Set changes an item.
func (v *Vector[T]) Set(t *Transient, i uint32, value T) { *v.Item(t, i) = value }

// Item gives an item to be written to, until t is published.
func (v *Vector[T]) Item(t *Transient, i uint32) *T {
	n := v.own(t, int(i>>LeafBits>>innerBits))
	at := i >> LeafBits & (1<<innerBits - 1)
	if n.owned>>at&1 == 0 {
		fresh := new(Leaf[T])
		if old := n.leaves[at]; old != nil {
			*fresh = *old
		}
		n.leaves[at] = fresh
		n.owned |= 1 << at
	}
	return &n.leaves[at].Items[i&(1<<LeafBits-1)]
}

// own gives an inner node that is t's.
func (v *Vector[T]) own(t *Transient, at int) *inner[T] {
	if v.owner != t {
		v.inner = append(make([]*inner[T], 0, max(at+1, len(v.inner))), v.inner...)
		v.owner = t
	}
	for len(v.inner) <= at {
		v.inner = append(v.inner, nil)
	}
	switch n := v.inner[at]; {
	case n == nil:
		v.inner[at] = &inner[T]{owner: t}
	case n.owner != t:
		v.inner[at] = &inner[T]{owner: t, leaves: n.leaves}
	}
	return v.inner[at]
}
