package literals

import "sync/atomic"

// An Index is literals and where each leads. The nil Index has none. It is a hash table of chained buckets; readers
// take no lock, and see a literal once it is whole.
type Index struct {
	sizes   [len(gramSizes)]atomic.Bool // whether any literal is filed under a q-gram of that length
	used    uint32
	shift   uint                    // of a hash, to its bucket
	bitmap  []atomic.Uint64         // bitsPerBucket for each bucket: no literal has a hash whose bit is not set
	buckets []atomic.Uint32         // the number of the entry that was put in last, + 1
	chunks  []atomic.Pointer[chunk] // of entries, in the order in which they came
}

// A chunk is entries in one piece. What a look into a bucket needs of each stands apart, so that it stays in a cache.
type chunk struct {
	links   [chunkSize]link
	entries [chunkSize]Entry
}

// A link chains the entries of a bucket.
type link struct {
	next uint32 // the number of the entry before it, + 1
	hash uint32 // the lower half; the upper half chose the bucket
}

// An Entry is a literal and what it leads to. It fills a line of the cache.
type Entry struct {
	rest string // of the literal, behind head
	Target
	offset uint16 // of the q-gram that it is filed under
	size   uint16 // of the literal
	head   [headSize]byte
}

const (
	chunkSize     = 256
	bitsPerBucket = 16
	// rareEnough is how many literals under the same q-gram are counted in the choice of the rarest q-gram.
	rareEnough = 32
	// headSize is how many bytes of a literal an Entry has in itself; most literals have no more.
	headSize = 36
)

func newIndex(bucketBits uint) *Index {
	n := 1 << bucketBits
	return &Index{
		shift: 64 - bucketBits, bitmap: make([]atomic.Uint64, max(1, n*bitsPerBucket/64)),
		buckets: make([]atomic.Uint32, n), chunks: make([]atomic.Pointer[chunk], (n+chunkSize-1)/chunkSize),
	}
}

// Add lets each literal lead to a target, and gives the Index to use from now on: a larger one when x is full. Literals
// have 3 bytes at least. offsets says which q-gram to file each under, where that is known already; nil: the rarest.
func (x *Index) Add(literals []string, offsets []uint16, to Target) *Index {
	if x == nil {
		x = newIndex(8)
	}
	for i, literal := range literals {
		if int(x.used) == len(x.buckets) {
			x = x.larger()
		}
		e := Entry{Target: to, size: uint16(len(literal))}
		if offsets != nil {
			e.offset = offsets[i]
		} else {
			e.offset = uint16(x.rarest(literal))
		}
		if n := copy(e.head[:], literal); n < len(literal) {
			e.rest = literal[n:]
		}
		x.put(e)
	}
	return x
}

// Len is how many literals there are. Only the goroutine that adds may ask.
func (x *Index) Len() int {
	if x == nil {
		return 0
	}
	return int(x.used)
}

// All gives the entries, in an order that means nothing. They must not be changed.
func (x *Index) All(yield func(*Entry) bool) {
	if x == nil {
		return
	}
	for i := range x.buckets {
		for next := x.buckets[i].Load(); next != 0; next = x.link(next - 1).next {
			if !yield(x.at(next - 1)) {
				return
			}
		}
	}
}

// Literal is the literal.
func (e *Entry) Literal() string { return string(e.head[:min(e.size, headSize)]) + e.rest }

// Len is how many bytes the literal has.
func (e *Entry) Len() int { return int(e.size) }

// Offset is where the q-gram begins that the literal is filed under.
func (e *Entry) Offset() uint16 { return e.offset }

func (x *Index) larger() *Index {
	more := newIndex(64 - x.shift + 1)
	for i := range x.used {
		more.put(*x.at(i))
	}
	return more
}

func (x *Index) at(number uint32) *Entry {
	return &x.chunks[number/chunkSize].Load().entries[number%chunkSize]
}

func (x *Index) link(number uint32) *link {
	return &x.chunks[number/chunkSize].Load().links[number%chunkSize]
}

// rarest gives the offset of the q-gram of literal that the fewest others are filed under.
func (x *Index) rarest(literal string) int {
	size := gramOf(len(literal))
	best, least := 0, rareEnough+1
	for offset := 0; offset+gramSizes[size] <= len(literal) && least > 0; offset++ {
		h := hashAt(literal, offset, size)
		n := 0
		for next := x.buckets[h>>x.shift].Load(); next != 0 && n < rareEnough; {
			l := x.link(next - 1)
			if next = l.next; l.hash == uint32(h) {
				n++
			}
		}
		if n < least {
			best, least = offset, n
		}
	}
	return best
}

// put adds an entry: first the entry, then the bucket that leads to it, then the bit that leads to the bucket.
func (x *Index) put(e Entry) {
	size := gramOf(int(e.size))
	h := hashAt(e.Literal(), int(e.offset), size)
	bucket := &x.buckets[h>>x.shift]
	c := &x.chunks[x.used/chunkSize]
	if c.Load() == nil {
		c.Store(new(chunk))
	}
	c.Load().entries[x.used%chunkSize] = e
	c.Load().links[x.used%chunkSize] = link{next: bucket.Load(), hash: uint32(h)}
	x.used++
	bucket.Store(x.used)
	bit := h >> (x.shift - 4)
	x.bitmap[bit/64].Or(1 << (bit % 64))
	x.sizes[size].Store(true)
}
