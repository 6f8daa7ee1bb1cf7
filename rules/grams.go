package rules

import (
	"encoding/binary"
	"sync/atomic"
)

// grams finds the literals that a text has in it, in one pass whatever their number: the pass looks up the hash of every
// three and every six bytes and compares the literals that have one of these in them. Readers look while the writer adds;
// nothing is ever taken out.
type grams struct {
	short, long atomic.Bool // whether there are any of three, of six bytes
	used        int
	shift       uint            // of a hash, to its bucket
	bits        []atomic.Uint64 // eight for each bucket: a hash whose bit is not set has no literal
	buckets     []atomic.Pointer[gram]
}

// A gram is a stretch of a literal by which the literal is found, and whom it leads to.
type gram struct {
	next    *gram
	literal string // with head in front of it
	pred    uint32
	mix     uint32 // the lower half of the hash of the stretch: the upper half chose the bucket
	offset  uint16 // of the stretch in the literal
	size    uint16 // of the literal
	head    [headSize]byte
}

const (
	shortGram = 3
	longGram  = 6
	// rareEnough is how many literals with the same stretch are looked through for the choice of the rarest stretch.
	rareEnough = 32
	// headSize is how many bytes of a literal a gram has itself: it then takes 64 bytes, a line of the cache, and most
	// literals no other.
	headSize = 28
)

// stretches is a set of hashes, a bit each; of one that is not in it the stretch is not in the text.
type stretches [1 << (64 - stretchShift) / 64]uint64

const stretchShift = 64 - 16

func newGrams(bucketBits uint) *grams {
	return &grams{shift: 64 - bucketBits, bits: make([]atomic.Uint64, max(1, 8<<bucketBits/64)), buckets: make([]atomic.Pointer[gram], 1<<bucketBits)}
}

// Two odd factors with their bits well mixed, one for each length, so that three bytes never have the hash of six.
func hashShort(word uint64) uint64 { return word << 40 * 0x9e3779b97f4a7c15 }
func hashLong(word uint64) uint64  { return word << 16 * 0xd6e8feb86659fd93 }

// add lets each literal of set lead to pred, and gives the table to use from now on: a larger one when g is full.
func (g *grams) add(set []string, pred uint32) *grams {
	if g == nil {
		g = newGrams(8)
	}
	for _, literal := range set {
		if g.used >= len(g.buckets) {
			g = g.larger()
		}
		g.put(g.rarest(literal), literal, pred)
	}
	return g
}

func (g *grams) larger() *grams {
	big := newGrams(64 - g.shift + 2)
	for i := range g.buckets {
		for e := g.buckets[i].Load(); e != nil; e = e.next {
			big.put(int(e.offset), e.text(), e.pred)
		}
	}
	return big
}

// rarest gives the offset of the stretch of literal that the fewest others have.
func (g *grams) rarest(literal string) int {
	size := gramSize(literal)
	best, least := 0, rareEnough+1
	for offset := 0; offset+size <= len(literal) && least > 0; offset++ {
		h := hashAt(literal, offset, size)
		n := 0
		for e := g.buckets[h>>g.shift].Load(); e != nil && n < rareEnough; e = e.next {
			if e.mix == uint32(h) {
				n++
			}
		}
		if n < least {
			best, least = offset, n
		}
	}
	return best
}

func gramSize(literal string) int {
	if len(literal) < longGram {
		return shortGram
	}
	return longGram
}

func hashAt(literal string, offset, size int) uint64 {
	var word [8]byte
	copy(word[:], literal[offset:offset+size])
	if size == shortGram {
		return hashShort(binary.LittleEndian.Uint64(word[:]))
	}
	return hashLong(binary.LittleEndian.Uint64(word[:]))
}

func (g *grams) put(offset int, literal string, pred uint32) {
	size := gramSize(literal)
	h := hashAt(literal, offset, size)
	bucket := &g.buckets[h>>g.shift]
	e := &gram{next: bucket.Load(), mix: uint32(h), offset: uint16(offset), size: uint16(len(literal)), pred: pred}
	if n := copy(e.head[:], literal); n < len(literal) {
		e.literal = literal[n:]
	}
	bucket.Store(e)
	bit := h >> (g.shift - 3)
	g.bits[bit/64].Or(1 << (bit % 64))
	g.used++
	if size == shortGram {
		g.short.Store(true)
	} else {
		g.long.Store(true)
	}
}

// scan gives whom the literals in text lead to, some perhaps more than once.
// When seen is not nil, it gets the stretches of six bytes.
func (g *grams) scan(text []byte, seen *stretches, found func(pred uint32)) {
	short, long := g.short.Load(), g.long.Load()
	for i := 0; i+shortGram <= len(text); i++ {
		var word uint64
		if i+8 <= len(text) {
			word = binary.LittleEndian.Uint64(text[i:])
		} else {
			var last [8]byte
			copy(last[:], text[i:])
			word = binary.LittleEndian.Uint64(last[:])
		}
		if short {
			if h := hashShort(word); g.may(h) {
				g.look(h, text, i, found)
			}
		}
		if long {
			h := hashLong(word)
			if seen != nil {
				seen[h>>stretchShift/64] |= 1 << (h >> stretchShift % 64)
			}
			if g.may(h) {
				g.look(h, text, i, found)
			}
		}
	}
}

func (g *grams) may(h uint64) bool {
	bit := h >> (g.shift - 3)
	return g.bits[bit/64].Load()>>(bit%64)&1 == 1
}

// look compares the literals that have the stretch with hash h at offset, where text has it at i.
func (g *grams) look(h uint64, text []byte, i int, found func(pred uint32)) {
	for e := g.buckets[h>>g.shift].Load(); e != nil; e = e.next {
		from := i - int(e.offset)
		if e.mix == uint32(h) && from >= 0 && from+int(e.size) <= len(text) && e.is(text[from:]) {
			found(e.pred)
		}
	}
}

// is says whether text begins with the literal of e, and is not shorter.
func (e *gram) is(text []byte) bool {
	if e.size <= headSize {
		return string(text[:e.size]) == string(e.head[:e.size])
	}
	return string(text[:headSize]) == string(e.head[:]) && string(text[headSize:e.size]) == e.literal
}

func (e *gram) text() string { return string(e.head[:min(e.size, headSize)]) + e.literal }
