package literals

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"slices"
)

// A Bloom is a Bloom filter of the q-grams of one text: a literal with a q-gram that is not in it is not in the text.
// Filling it costs something, so the first questions do without it. It is for one goroutine and used again with Reset.
type Bloom struct {
	// Steps is the cost of all questions so far: one for each byte that is filled in, or BytesPerStep that are searched.
	Steps int64

	asked int
	bits  []uint64 // a bit for each hash
	shift uint     // of a hash, to its bit
}

const (
	// bitsPerByte is how many bits there are for each byte of a text, about: its q-grams set two of them.
	bitsPerByte = 16
	// BytesPerStep is how many bytes the search for one literal reads in a step.
	BytesPerStep = 8
	// filledAt is the question at which the filter is filled.
	filledAt = 6
)

// Reset makes b ready for another text.
func (b *Bloom) Reset() { b.asked = 0 }

// Contains says whether a literal is in text. Between two calls of Reset the text must be the same; it must have its
// Padding. Mostly the literal is not in it.
func (b *Bloom) Contains(text []byte, literal string) bool {
	if b.asked++; b.asked == filledAt {
		b.fill(text)
	}
	if b.asked >= filledAt && !b.mayContain(literal) {
		return false
	}
	b.Steps += int64(len(text) / BytesPerStep)
	return bytes.Contains(text, []byte(literal))
}

// fill adds all q-grams of text of four and of six bytes.
func (b *Bloom) fill(text []byte) {
	size := bits.Len(uint(bitsPerByte * (len(text) + 64)))
	b.shift = uint(64 - size)
	b.bits = slices.Grow(b.bits[:0], 1<<size/64)[:1<<size/64]
	clear(b.bits)
	b.Steps += int64(len(text))
	words := text[:len(text)+Padding]
	for i := range text {
		word := binary.LittleEndian.Uint64(words[i:])
		four, six := word<<32*gramFactors[1]>>(b.shift&63), word<<16*gramFactors[2]>>(b.shift&63)
		b.bits[four/64] |= 1 << (four % 64)
		b.bits[six/64] |= 1 << (six % 64)
	}
}

// mayContain looks at the first q-gram of a literal, at the last and at one between.
func (b *Bloom) mayContain(literal string) bool {
	if len(literal) < gramSizes[1] {
		return true
	}
	size := gramOf(len(literal))
	last := len(literal) - gramSizes[size]
	return b.has(hashAt(literal, 0, size)) && b.has(hashAt(literal, last, size)) && b.has(hashAt(literal, last/2, size))
}

func (b *Bloom) has(hash uint64) bool {
	bit := hash >> (b.shift & 63)
	return b.bits[bit/64]>>(bit%64)&1 == 1
}
