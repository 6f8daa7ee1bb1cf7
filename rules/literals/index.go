// Package literals finds which of many literals a text has.
package literals

import (
	"encoding/binary"
	"sync/atomic"
)

// grams finds the literals that a text has in it, in one pass whatever their number. Each literal is found by one stretch
// of it, of three, four or six bytes; the pass hashes every stretch of a length that some literal has, asks a set of bits
// whether a literal has one with this hash, and then compares the literals that do. Readers look while the writer adds;
// nothing is ever taken out.
type Index struct {
	sizes   [len(gramSizes)]atomic.Bool // whether any literal is found by a stretch of that length
	used    uint32
	shift   uint                    // of a hash, to its bucket
	bits    []atomic.Uint64         // bitsPerBucket for each bucket: a hash whose bit is not set has no literal
	buckets []atomic.Uint32         // the last gram put in, + 1
	grams   []atomic.Pointer[grove] // room for one in each bucket
}

// A grove is so many grams in one piece. What a look at a bucket needs of each stands apart, so that it stays in a cache.
type grove struct {
	links [groveSize]link
	grams [groveSize]Entry
}

// A link is a gram's place in its bucket.
type link struct {
	next uint32 // the one before it, + 1
	mix  uint32 // the lower half of the hash of the stretch: the upper half chose the bucket
}

// A gram is a stretch of a literal by which the literal is found, and whom it leads to. It takes a line of the cache.
type Entry struct {
	rest   string // of the literal, behind head
	ID     uint32
	Offset uint16 // of the stretch in the literal
	Size   uint16 // of the literal
	Texts  uint8  // which texts the literal is looked for in, a bit each
	Plain  bool   // to have the literal is enough
	head   [headSize]byte
}

const (
	groveSize     = 256
	bitsPerBucket = 16
	// rareEnough is how many literals with the same stretch are looked through for the choice of the rarest stretch.
	rareEnough = 32
	// headSize is how many bytes of a literal a gram has itself; most literals have no more.
	headSize = 38
	// padding is how many bytes there must be behind a text in its array: stretches are read eight bytes at a time.
	Padding = 8
)

// gramSizes are the lengths of stretches, and gramFactors odd factors with their bits well mixed, one for each, so that
// stretches of different lengths do not have the same hashes.
var (
	gramSizes   = [...]int{3, 4, 6}
	gramFactors = [...]uint64{0x9e3779b97f4a7c15, 0xc2b2ae3d27d4eb4f, 0xd6e8feb86659fd93}
)

func newIndex(bucketBits uint) *Index {
	n := 1 << bucketBits
	return &Index{
		shift: 64 - bucketBits, bits: make([]atomic.Uint64, max(1, n*bitsPerBucket/64)),
		buckets: make([]atomic.Uint32, n), grams: make([]atomic.Pointer[grove], (n+groveSize-1)/groveSize),
	}
}

// add lets each literal of set lead to pred, in the texts given, and gives the table to use from now on: a larger one when
// g is full.
//
// offsets says which stretch each literal is to be found by, where it is known.
func (g *Index) Add(set []string, offsets []uint16, pred uint32, texts uint8, plain bool) *Index {
	if g == nil {
		g = newIndex(8)
	}
	for i, literal := range set {
		if int(g.used) == len(g.buckets) {
			g = g.larger()
		}
		e := Entry{ID: pred, Size: uint16(len(literal)), Texts: texts, Plain: plain}
		if offsets != nil {
			e.Offset = offsets[i]
		} else {
			e.Offset = uint16(g.rarest(literal))
		}
		if n := copy(e.head[:], literal); n < len(literal) {
			e.rest = literal[n:]
		}
		g.put(e)
	}
	return g
}

// Len is how many literals there are.
func (g *Index) Len() int {
	if g == nil {
		return 0
	}
	return int(g.used)
}

func (g *Index) larger() *Index {
	big := newIndex(64 - g.shift + 1)
	for at := range g.used {
		big.put(*g.at(at))
	}
	return big
}

func (g *Index) at(place uint32) *Entry {
	return &g.grams[place/groveSize].Load().grams[place%groveSize]
}

// link gives the link of a gram by its number in a bucket, which is one more than its place.
func (g *Index) link(number uint32) *link {
	return &g.grams[(number-1)/groveSize].Load().links[(number-1)%groveSize]
}

// rarest gives the offset of the stretch of literal that the fewest others have.
func (g *Index) rarest(literal string) int {
	size := gramSize(len(literal))
	best, least := 0, rareEnough+1
	for offset := 0; offset+gramSizes[size] <= len(literal) && least > 0; offset++ {
		h := hashAt(literal, offset, size)
		n := 0
		for next := g.buckets[h>>g.shift].Load(); next != 0 && n < rareEnough; {
			l := g.link(next)
			if next = l.next; l.mix == uint32(h) {
				n++
			}
		}
		if n < least {
			best, least = offset, n
		}
	}
	return best
}

// gramSize gives which of gramSizes a literal of that many bytes is found by.
func gramSize(bytes int) int {
	size := len(gramSizes) - 1
	for size > 0 && gramSizes[size] > bytes {
		size--
	}
	return size
}

// hashAt is the hash of a stretch of a literal.
func hashAt(literal string, offset, size int) uint64 {
	var word [8]byte
	for i := range gramSizes[size] {
		word[i] = literal[offset+i]
	}
	return binary.LittleEndian.Uint64(word[:]) << (64 - 8*gramSizes[size]) * gramFactors[size]
}

// Stretched says whether a literal of so many bytes can have the stretch that it is found by at an offset.
func Stretched(bytes, offset int) bool { return offset+gramSizes[gramSize(bytes)] <= bytes }

func (g *Index) put(e Entry) {
	size := gramSize(int(e.Size))
	h := hashAt(e.Literal(), int(e.Offset), size)
	bucket := &g.buckets[h>>g.shift]
	place := &g.grams[g.used/groveSize]
	if place.Load() == nil {
		place.Store(new(grove))
	}
	place.Load().grams[g.used%groveSize] = e
	place.Load().links[g.used%groveSize] = link{next: bucket.Load(), mix: uint32(h)}
	g.used++
	bucket.Store(g.used)
	bit := h >> (g.shift - 4)
	g.bits[bit/64].Or(1 << (bit % 64))
	g.sizes[size].Store(true)
}

// stretch is how many places of a text are hashed at once, and then looked up: neither waits for the other, and what is
// noted in between stays in the nearest cache.
const stretch = 512

// scan calls found with each literal that is in text, and where it begins; with some more than once. There are padding
// bytes behind text in its array.
func (g *Index) Scan(text []byte, found func(e *Entry, at int)) {
	var r sightings
	for size := range gramSizes {
		if !g.sizes[size].Load() {
			continue
		}
		for from := 0; from+gramSizes[size] <= len(text); from += stretch {
			g.scanSome(&r, text, from, size, found)
		}
	}
}

// sightings is what is noted of a part of a text.
type sightings struct {
	places [stretch]uint32 // where it has a stretch whose bit is set
	some   [stretch]sighting
}

// A sighting is a gram whose stretch a text probably has at a place.
type sighting struct{ gram, place uint32 }

func (g *Index) scanSome(r *sightings, text []byte, from, size int, found func(e *Entry, at int)) {
	var (
		n      int
		to     = min(from+stretch, len(text)-gramSizes[size]+1)
		words  = text[from : to+Padding-1]
		left   = 64 - 8*gramSizes[size]
		factor = gramFactors[size]
		shift  = g.shift - 4
		bits   = g.bits
	)
	// Without a jump, since a processor would guess it wrong too often: a place that does not count is overwritten.
	for i := range to - from {
		h := binary.LittleEndian.Uint64(words[i:]) << (left & 63) * factor
		bit := h >> (shift & 63)
		r.places[n&(stretch-1)] = uint32(from + i)
		n += int(bits[bit/64].Load() >> (bit % 64) & 1)
	}
	m := 0
	for _, place := range r.places[:n] {
		h := binary.LittleEndian.Uint64(text[place:place+Padding:place+Padding]) << (left & 63) * factor
		for next := g.buckets[h>>g.shift].Load(); next != 0; {
			l := g.link(next)
			if l.mix == uint32(h) {
				r.some[m] = sighting{next - 1, place}
				if m++; m == len(r.some) {
					g.compare(text, r.some[:m], found)
					m = 0
				}
			}
			next = l.next
		}
	}
	g.compare(text, r.some[:m], found)
}

// compare calls found with the literals of what was seen, if they are there.
func (g *Index) compare(text []byte, seen []sighting, found func(e *Entry, at int)) {
	for _, h := range seen {
		e := g.at(h.gram)
		at := int(h.place) - int(e.Offset)
		if at >= 0 && at+int(e.Size) <= len(text) && e.is(text[at:]) {
			found(e, at)
		}
	}
}

// is says whether text begins with the literal of e, and is not shorter.
func (e *Entry) is(text []byte) bool {
	if e.Size <= headSize {
		return string(text[:e.Size]) == string(e.head[:e.Size])
	}
	return string(text[:headSize]) == string(e.head[:]) && string(text[headSize:e.Size]) == e.rest
}

func (e *Entry) Literal() string { return string(e.head[:min(e.Size, headSize)]) + e.rest }

// Pad puts padding bytes behind a text in its array.
func Pad(text []byte) []byte { return append(text, make([]byte, Padding)...)[:len(text)] }

// Each calls visit with each literal's.
func (g *Index) Each(visit func(e *Entry)) {
	if g == nil {
		return
	}
	for i := range g.buckets {
		for next := g.buckets[i].Load(); next != 0; next = g.link(next).next {
			visit(g.at(next - 1))
		}
	}
}
