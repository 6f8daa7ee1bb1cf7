package literals

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"slices"
)

// stretches is a set of the hashes of all stretches of a text: a literal of which one is not in it is not in the text.
// It costs something to fill, so the first questions do without it.
type Bloom struct {
	asked  int
	Steps  int64    // steps: see Bounds
	hashes []uint64 // a bit each
	shift  uint     // of a hash, to its bit
}

const (
	// stretchRoom is how many bits there are for each byte of a text, about: two of them are set.
	stretchRoom = 16
	// readAtOnce is how many bytes the search for one literal reads in a step.
	BytesPerStep = 8
	// askedFirst is how many literals are looked for one by one before the stretches of a text are worth their while.
	askedFirst = 6
)

func (s *Bloom) Reset() { s.asked = 0 }

// fill notes all stretches of text of four and of six bytes, behind which there are padding bytes in its array.
func (s *Bloom) fill(text []byte) {
	size := bits.Len(uint(stretchRoom * (len(text) + 64)))
	s.shift = uint(64 - size)
	s.hashes = slices.Grow(s.hashes[:0], 1<<size/64)[:1<<size/64]
	clear(s.hashes)
	s.Steps += int64(len(text))
	words := text[:len(text)+Padding]
	for i := range text {
		word := binary.LittleEndian.Uint64(words[i:])
		four, six := word<<32*gramFactors[1]>>(s.shift&63), word<<16*gramFactors[2]>>(s.shift&63)
		s.hashes[four/64] |= 1 << (four % 64)
		s.hashes[six/64] |= 1 << (six % 64)
	}
}

// may says whether a text may have a literal in it.
func (s *Bloom) may(literal string) bool {
	if len(literal) < gramSizes[1] {
		return true
	}
	size := gramSize(len(literal))
	last := len(literal) - gramSizes[size]
	return s.has(hashAt(literal, 0, size)) && s.has(hashAt(literal, last, size)) && s.has(hashAt(literal, last/2, size))
}

func (s *Bloom) has(hash uint64) bool {
	bit := hash >> (s.shift & 63)
	return s.hashes[bit/64]>>(bit%64)&1 == 1
}

// in says whether text has a literal in it; s is of that text. Mostly it has not.
func (s *Bloom) Contains(text []byte, literal string) bool {
	if s.asked++; s.asked == askedFirst {
		s.fill(text)
	}
	if s.asked >= askedFirst && !s.may(literal) {
		return false
	}
	s.Steps += int64(len(text) / BytesPerStep)
	return bytes.Contains(text, []byte(literal))
}
