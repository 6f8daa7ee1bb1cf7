package rules

// chunkBits is the binary logarithm of the length of a chunk: changing one value copies a chunk at most.
const chunkBits = 9

// An edit is a change in the making. What it has copied is its own and may be written until the edit is published; what
// has another owner, or an edit that is over, is seen by readers and must be copied first.
type edit struct{ _ byte } // not empty: two edits must differ

// A vec is an array of which readers keep whole old versions for the price of a shallow copy of the vec. Places that were
// never set have the zero value.
type vec[T any] struct {
	owner  *edit
	chunks []*chunk[T]
}

type chunk[T any] struct {
	owner *edit
	items [1 << chunkBits]T
}

func (v *vec[T]) at(i uint32) T {
	if at := int(i >> chunkBits); at < len(v.chunks) && v.chunks[at] != nil {
		return v.chunks[at].items[i&(1<<chunkBits-1)]
	}
	var zero T
	return zero
}

func (v *vec[T]) set(e *edit, i uint32, value T) {
	at := int(i >> chunkBits)
	if v.owner != e {
		v.chunks = append(make([]*chunk[T], 0, max(at+1, len(v.chunks)+len(v.chunks)/8)), v.chunks...)
		v.owner = e
	}
	for len(v.chunks) <= at {
		v.chunks = append(v.chunks, nil)
	}
	c := v.chunks[at]
	if c == nil {
		c = &chunk[T]{owner: e}
	} else if c.owner != e {
		copied := *c
		c = &copied
		c.owner = e
	}
	v.chunks[at] = c
	c.items[i&(1<<chunkBits-1)] = value
}
