// Package automaton says whether a regular expression matches somewhere in a text, in one pass over the text.
//
// # The idea
//
// A program of regexp/syntax is a nondeterministic automaton. Running it means to keep the set of instructions that
// may take the next character (K. Thompson, "Regular Expression Search Algorithm", CACM 1968). Package regexp computes
// that set anew at each character. A Machine remembers it: each distinct set is a state of a deterministic automaton,
// made when a text first leads to it and kept for the texts that follow (a lazy DFA: A. Aho, R. Sethi, J. Ullman,
// "Compilers", 1986, section 3.7; R. Cox, "Regular Expression Matching in the Wild", 2010, as in RE2). A character
// then costs one look into a table, whatever the size of the expression.
//
// Three things keep the table small:
//
//   - Characters that no instruction tells apart are one class, and a state has a transition for each class.
//   - A state exists once a text needs it. An expression of n instructions has up to 2^n sets; texts reach few.
//   - The states of a Machine have 64 KiB. A Run that needs more drops them all once and goes on (a flushed cache).
//     A Run that then needs too many again ends with TooManyStates, and the caller asks regexp instead.
//
// Assertions (^, $, \b and the like) look at the characters on both sides. A state that waits at one therefore also
// keeps the left context: what kind of character came before.
//
// # Invariants
//
//   - A Result other than TooManyStates is what regexp says. FuzzMachine compares the two.
//   - A state never changes, and transitions are only added. Readers take no lock; one goroutine at a time adds.
//   - Steps of a Run are counted, not timed, so that a budget in steps does not depend on the machine or its load.
package automaton

import (
	"regexp/syntax"
	"sync"
	"sync/atomic"
	"unicode/utf8"
	"unsafe"
)

// A Machine is the lazy DFA of one expression. It is safe for concurrent use; goroutines wait for one another only
// while a state is made.
type Machine struct {
	code
	lock  sync.Mutex // held by the goroutine that makes states
	table atomic.Pointer[table]
	size  atomic.Int64 // bytes, roughly
}

// New makes the Machine of a program. It gives nil where the program has more than 1,024 instructions or tells too many
// classes of characters apart.
func New(program *syntax.Prog) *Machine {
	c := newCode(program)
	if c == nil {
		return nil
	}
	m := &Machine{code: *c}
	t := &table{next: make([]atomic.Uint32, firstRow+firstStates*m.columns)}
	m.table.Store(t)
	m.size.Store(int64(unsafe.Sizeof(*m)) + m.code.bytes() + t.bytes())
	return m
}

// Bytes is the memory that the machine and the states made so far take, roughly.
func (m *Machine) Bytes() int64 { return m.size.Load() }

// Run begins a search.
func (m *Machine) Run() Run { return Run{machine: m} }

// A Result is the answer of a Run.
type Result uint8

// TooManyStates means that the states have no room: the Machine cannot tell.
const (
	NoMatch Result = iota
	Match
	TooManyStates
)

// A Run is one search, in one text or from several offsets of it. It is for one goroutine.
type Run struct {
	Steps int64 // the cost so far: one for each byte, and more for each state that was made

	machine *Machine
	table   *table
	made    int  // states
	read    int  // bytes of the text before the state that was made last
	flushed bool // the states were dropped once
}

// Match says whether the expression matches in text at offset at or behind it; when anchored, only a match that begins
// at that offset counts. Assertions see the text before at.
func (r *Run) Match(text string, at int, anchored bool) Result {
	m := r.machine
	r.table = m.table.Load()
	left := contextBefore(text, at)
	if anchored {
		left |= anchoredRun
	}
	state, ok := r.table.next[left].Load(), true
	if state == unmade {
		state, ok = r.start(left)
	}
	next, ascii, i := r.table.next, &m.ascii, at
	for ok && i < len(text) && state >= firstRow {
		class, size := 0, 1
		if c := text[i]; c < utf8.RuneSelf {
			class = int(ascii[c])
		} else {
			var char rune
			char, size = utf8.DecodeRuneInString(text[i:])
			class = m.class(char)
		}
		i += size
		to := next[int(state)+class].Load()
		if to == unmade {
			r.read = i - at
			to, ok = r.step(state, class)
			next = r.table.next
		}
		state = to
	}
	r.Steps += int64(i - at)
	if ok && state >= firstRow {
		end := m.columns - 1
		to := next[int(state)+end].Load()
		if to == unmade {
			to, ok = r.step(state, end)
		}
		state = to
	}
	switch {
	case !ok:
		return TooManyStates
	case state == accepting:
		return Match
	}
	return NoMatch
}
