package automaton

import (
	"math/bits"
	"regexp/syntax"
	"unicode/utf8"
)

// A code is the program of an expression in a form for a dfa: small, and in terms of classes of characters instead of
// characters. It never changes.
type code struct {
	insts   []inst
	sets    []uint64 // of classes, a bit each
	kinds   []before // of each class
	first   uint16
	columns int // classes, and one for the end of the text
	ascii   [utf8.RuneSelf]uint8
	others  []rune // where the classes of the other characters begin
	classes []uint8
}

// An inst is an instruction.
type inst struct {
	op   opcode
	set  uint8 // of opRune: in code.sets; of opEmpty: a syntax.EmptyOp
	out  uint16
	more uint16 // of opAlt: the other way
}

type opcode uint8

const (
	opFail opcode = iota
	opAlt
	opNop
	opEmpty
	opRune
	opMatch
)

// Before is what stands before a place of a text, as far as an assertion may ask; and whether a match must have begun.
type before uint8

const (
	nothingBefore before = iota
	lineBefore
	wordBefore
	otherBefore

	kindsBefore = 4
	tiedBefore  = before(kindsBefore)
)

func kindBefore(text string, at int) before {
	if at == 0 {
		return nothingBefore
	}
	r, _ := utf8.DecodeLastRuneInString(text[:at])
	return kindOf(r)
}

func kindOf(r rune) before {
	switch {
	case r == '\n':
		return lineBefore
	case syntax.IsWordChar(r):
		return wordBefore
	}
	return otherBefore
}

// flags gives what assertions hold between what came before and a character of a class.
func (c *code) flags(b before, class int) uint8 {
	example := [kindsBefore]rune{-1, '\n', 'a', ' '}
	next := rune(-1)
	if class < c.columns-1 {
		next = example[c.kinds[class]]
	}
	return uint8(syntax.EmptyOpContext(example[b&^tiedBefore], next))
}

// A way is what finding the way through a program needs to remember.
type way [maxInsts]uint16

// follow puts into set a place and what can be reached from it without a character, and says whether that is a match.
// Assertions are passed when asked, where flags has them; otherwise they are put into set as they stand.
func (w *way) follow(c *code, set *placeSet, place uint16, flags uint8, ask bool) bool {
	n := 0
	for {
		if !set.has(place) {
			set.add(place)
			in := &c.insts[place]
			switch in.op {
			case opMatch:
				return true
			case opAlt:
				w[n] = in.more
				n++
				place = in.out
				continue
			case opNop:
				place = in.out
				continue
			case opEmpty:
				if ask && in.set&^flags == 0 {
					place = in.out
					continue
				}
			}
		}
		if n == 0 {
			return false
		}
		n--
		place = w[n]
	}
}

// places gives the places of a set where a state waits, and their hash (FNV-1a). What came before counts only where an
// assertion waits. The places are w's.
func (w *way) places(c *code, set *placeSet, b before) (places []uint16, hash uint32, now before) {
	asks := false
	places, hash = w[:0], 2166136261
	for i, word := range set {
		for ; word != 0; word &= word - 1 {
			place := uint16(64*i + bits.TrailingZeros64(word))
			if op := c.insts[place].op; op == opEmpty || op == opRune {
				asks = asks || op == opEmpty
				places = append(places, place)
				hash = (hash ^ uint32(place)) * 16777619
			}
		}
	}
	if !asks {
		b = b&tiedBefore | otherBefore
	}
	return places, hash, b
}

// class gives the class of a character that is not of ASCII.
func (c *code) class(r rune) int {
	from, to := 0, len(c.others)
	for to-from > 1 {
		if middle := (from + to) / 2; c.others[middle] <= r {
			from = middle
		} else {
			to = middle
		}
	}
	return int(c.classes[from])
}

func (c *code) bytes() int64 {
	return int64(6*len(c.insts) + 8*len(c.sets) + len(c.kinds) + 5*len(c.others))
}

// maxInsts bounds the program that a dfa is made of.
const maxInsts = 1024

// A placeSet is a set of places of a program.
type placeSet [maxInsts / 64]uint64

func (s *placeSet) has(place uint16) bool { return s[place/64]>>(place%64)&1 == 1 }
func (s *placeSet) add(place uint16)      { s[place/64] |= 1 << (place % 64) }

// all gives the places in order.
func (s *placeSet) all(yield func(uint16) bool) {
	for i, word := range s {
		for ; word != 0; word &= word - 1 {
			if !yield(uint16(64*i + bits.TrailingZeros64(word))) {
				return
			}
		}
	}
}
