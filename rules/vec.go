package rules

const (
	// chunkBits is the binary logarithm of the length of a chunk, shelfBits of the chunks on a shelf: changing one value
	// copies one of each at most, and the list of shelves.
	chunkBits = 7
	shelfBits = 6
)

// An edit is a change in the making. What it has copied is its own and may be written until the edit is published; what
// has another owner, or an edit that is over, is seen by readers and must be copied first.
type edit struct{ _ byte } // not empty: two edits must differ

// A vec is an array of which readers keep whole old versions for the price of a shallow copy of the vec. Places that were
// never set have the zero value.
type vec[T any] struct {
	owner   *edit
	shelves []*shelf[T]
}

type shelf[T any] struct {
	owner  *edit
	copied uint64 // which chunks are its owner's too
	chunks [1 << shelfBits]*chunk[T]
}

// A chunk has nothing beside its items: of numbers it fills a class of memory, and the collector need not look into it.
type chunk[T any] struct {
	items [1 << chunkBits]T
}

func (v *vec[T]) at(i uint32) T {
	if c := v.chunk(i >> chunkBits); c != nil {
		return c.items[i&(1<<chunkBits-1)]
	}
	var zero T
	return zero
}

// chunk gives the chunk with that number, nil where nothing was ever set.
func (v *vec[T]) chunk(number uint32) *chunk[T] {
	if at := number >> shelfBits; int(at) < len(v.shelves) && v.shelves[at] != nil {
		return v.shelves[at].chunks[number&(1<<shelfBits-1)]
	}
	return nil
}

func (v *vec[T]) set(e *edit, i uint32, value T) { *v.item(e, i) = value }

// item gives a place to write to while e is in the making.
func (v *vec[T]) item(e *edit, i uint32) *T {
	s := v.shelf(e, int(i>>chunkBits>>shelfBits))
	at := i >> chunkBits & (1<<shelfBits - 1)
	if s.copied>>at&1 == 0 {
		fresh := new(chunk[T])
		if old := s.chunks[at]; old != nil {
			*fresh = *old
		}
		s.chunks[at] = fresh
		s.copied |= 1 << at
	}
	return &s.chunks[at].items[i&(1<<chunkBits-1)]
}

// shelf gives a shelf that is e's.
func (v *vec[T]) shelf(e *edit, at int) *shelf[T] {
	if v.owner != e {
		v.shelves = append(make([]*shelf[T], 0, max(at+1, len(v.shelves))), v.shelves...)
		v.owner = e
	}
	for len(v.shelves) <= at {
		v.shelves = append(v.shelves, nil)
	}
	switch s := v.shelves[at]; {
	case s == nil:
		v.shelves[at] = &shelf[T]{owner: e}
	case s.owner != e:
		v.shelves[at] = &shelf[T]{owner: e, chunks: s.chunks}
	}
	return v.shelves[at]
}
