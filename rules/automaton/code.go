package automaton

import (
	"math/bits"
	"regexp/syntax"
	"unicode/utf8"
)

// A code is a program in a small form: its instructions name sets of classes of characters instead of characters. It
// never changes.
type code struct {
	insts    []inst
	sets     []uint64      // of classes, a bit each
	contexts []leftContext // by class: the left context that a character of it makes
	first    uint16        // instruction
	columns  int           // the number of classes, and one for the end of the text
	ascii    [utf8.RuneSelf]uint8
	others   []rune // where the classes of the characters beyond ASCII begin
	classes  []uint8
}

// An inst is an instruction.
type inst struct {
	op   opcode
	set  uint8 // of opRune: an index in code.sets; of opEmpty: a syntax.EmptyOp
	out  uint16
	more uint16 // of opAlt: the second way out
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

// maxInsts bounds the program of a Machine.
const maxInsts = 1024

// A leftContext is what stands before an offset of a text, as far as an assertion may look; and whether the run is
// anchored.
type leftContext uint8

const (
	afterNothing leftContext = iota
	afterNewline
	afterWord
	afterOther

	leftContexts = 4
	anchoredRun  = leftContext(leftContexts)
)

func contextBefore(text string, at int) leftContext {
	if at == 0 {
		return afterNothing
	}
	r, _ := utf8.DecodeLastRuneInString(text[:at])
	return contextOf(r)
}

func contextOf(r rune) leftContext {
	switch {
	case r == '\n':
		return afterNewline
	case syntax.IsWordChar(r):
		return afterWord
	}
	return afterOther
}

// flags gives the assertions that hold between a left context and a character of a class, as a syntax.EmptyOp.
func (c *code) flags(left leftContext, class int) uint8 {
	example := [leftContexts]rune{-1, '\n', 'a', ' '}
	next := rune(-1)
	if class < c.columns-1 {
		next = example[c.contexts[class]]
	}
	return uint8(syntax.EmptyOpContext(example[left&^anchoredRun], next))
}

// A stack is the instructions that closure has still to visit, and afterwards room for waiting.
type stack [maxInsts]uint16

// closure adds to set an instruction and those that it leads to without a character; true: one of them is a match. With
// ask, assertions that flags has are passed; otherwise each is added and waits there.
func (s *stack) closure(c *code, set *instSet, inst uint16, flags uint8, ask bool) bool {
	n := 0
	for {
		if !set.has(inst) {
			set.add(inst)
			in := &c.insts[inst]
			switch in.op {
			case opMatch:
				return true
			case opAlt:
				s[n] = in.more
				n++
				inst = in.out
				continue
			case opNop:
				inst = in.out
				continue
			case opEmpty:
				if ask && in.set&^flags == 0 {
					inst = in.out
					continue
				}
			}
		}
		if n == 0 {
			return false
		}
		n--
		inst = s[n]
	}
}

// waiting gives the instructions of a set that wait for a character or at an assertion, their hash (FNV-1a), and the
// left context: it counts only where an assertion waits. The instructions are good until the stack is used again.
func (s *stack) waiting(c *code, set *instSet, left leftContext) (insts []uint16, hash uint32, now leftContext) {
	asserts := false
	insts, hash = s[:0], 2166136261
	for inst := range set.all {
		if op := c.insts[inst].op; op == opEmpty || op == opRune {
			asserts = asserts || op == opEmpty
			insts = append(insts, inst)
			hash = (hash ^ uint32(inst)) * 16777619
		}
	}
	if !asserts {
		left = left&anchoredRun | afterOther
	}
	return insts, hash, left
}

// class gives the class of a character beyond ASCII.
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
	return int64(6*len(c.insts) + 8*len(c.sets) + len(c.contexts) + 5*len(c.others))
}

// An instSet is a set of instructions of a program, a bit each.
type instSet [maxInsts / 64]uint64

func (s *instSet) has(inst uint16) bool { return s[inst/64]>>(inst%64)&1 == 1 }
func (s *instSet) add(inst uint16)      { s[inst/64] |= 1 << (inst % 64) }

// all gives the instructions in order.
func (s *instSet) all(yield func(uint16) bool) {
	for i, word := range s {
		for ; word != 0; word &= word - 1 {
			if !yield(uint16(64*i + bits.TrailingZeros64(word))) {
				return
			}
		}
	}
}
