// Package automaton says whether a regular expression matches somewhere in a text, in one pass.
package automaton

import (
	"regexp/syntax"
	"slices"
	"sync"
	"sync/atomic"
	"unicode/utf8"
	"unsafe"
)

// A dfa says whether a regular expression matches somewhere in a text, reading each character once. Its states are sets of
// places of the expression's program (K. Thompson, "Regular Expression Search Algorithm", 1968), made when a text first
// leads to them and then kept as far as they have room (R. Cox, "Regular Expression Matching in the Wild", 2010). Any
// number of goroutines run it at once; they wait for one another only while a state is made.
type Machine struct {
	code
	lock  sync.Mutex // of who makes states
	table atomic.Pointer[dfaTable]
	size  atomic.Int64 // bytes, roughly
}

// A dfaTable is the states so far. A larger one with the same states takes its place when it is full, and one of another
// epoch when the states have no more room. Who runs on the old one goes over with the next state that he needs.
type dfaTable struct {
	epoch int
	// next is where states lead to: a row for each, by class of character and last for the end of the text. In front of
	// the rows it is where a run starts, by what stands before it.
	next []atomic.Uint32
	// The rest belongs to who has the lock.
	states []dfaState
	hashes []uint32 // of states
	places int      // in all states
}

// A dfaState is the places of the program where the next character is asked for, in order, and what came before it.
type dfaState struct {
	places []uint16
	before before
}

// What a state can lead to; all others are the first of its row in next.
const (
	dfaUnknown = iota
	dfaDead    // no match any more
	dfaMatch
	dfaRows = 2 * kindsBefore // the first row
)

const (
	// dfaBytes bounds the states of one expression.
	dfaBytes = 64 << 10
	// dfaFirst is how many states a table has room for at first.
	dfaFirst = 6
	// stateBytes is what a state takes without its row and its places.
	stateBytes = 48
	// worthwhile is how many bytes must be read for each state that is made, if states are to be forgotten for new ones:
	// with fewer, regexp is faster.
	worthwhile = 10
	// stateSteps is what making a state costs, in steps, and placeSteps each place in it.
	stateSteps, placeSteps = 64, 8
)

// New makes the machine of a program; nil where the program is too large, or asks too much of characters.
func New(program *syntax.Prog) *Machine {
	c := newCode(program)
	if c == nil {
		return nil
	}
	d := &Machine{code: *c}
	t := &dfaTable{next: make([]atomic.Uint32, dfaRows+dfaFirst*d.columns)}
	d.table.Store(t)
	d.size.Store(int64(unsafe.Sizeof(*d)) + d.code.bytes() + t.bytes())
	return d
}

// Bytes is what the machine takes, roughly.
func (d *Machine) Bytes() int64 { return d.size.Load() }

// Run begins a look at a text.
func (d *Machine) Run() Run { return Run{Machine: d} }

func (t *dfaTable) bytes() int64 {
	return int64(4*len(t.next) + stateBytes*len(t.states) + 2*t.places)
}

// An outcome is what a run found out.
type Result uint8

const (
	NoMatch Result = iota
	Match
	TooManyStates // the states have no room
)

// A run is one look of a dfa at a text.
type Run struct {
	*Machine
	table *dfaTable
	made  int   // states
	read  int   // bytes, when the last state was asked for
	reset bool  // the states had no room once
	Steps int64 // what it cost: one for each byte, and more for each new state
}

// match says whether the expression matches in text, not before at; when tied, only a match that begins at at counts.
func (r *Run) Match(text string, at int, tied bool) Result {
	r.table = r.Machine.table.Load()
	b := kindBefore(text, at)
	if tied {
		b |= tiedBefore
	}
	state, ok := r.table.next[b].Load(), true
	if state == dfaUnknown {
		state, ok = r.start(b)
	}
	next, ascii, i := r.table.next, &r.ascii, at
	for ok && i < len(text) && state >= dfaRows {
		class, size := 0, 1
		if c := text[i]; c < utf8.RuneSelf {
			class = int(ascii[c])
		} else {
			var char rune
			char, size = utf8.DecodeRuneInString(text[i:])
			class = r.class(char)
		}
		i += size
		to := next[int(state)+class].Load()
		if to == dfaUnknown {
			r.read = i - at
			to, ok = r.step(state, class)
			next = r.table.next
		}
		state = to
	}
	r.Steps += int64(i - at)
	if ok && state >= dfaRows {
		end := r.columns - 1
		to := next[int(state)+end].Load()
		if to == dfaUnknown {
			to, ok = r.step(state, end)
		}
		state = to
	}
	switch {
	case !ok:
		return TooManyStates
	case state == dfaMatch:
		return Match
	}
	return NoMatch
}

// start makes the state to begin with.
func (r *Run) start(b before) (uint32, bool) {
	r.lock.Lock()
	defer r.lock.Unlock()
	r.table = r.Machine.table.Load()
	var w way
	var set placeSet
	if w.follow(&r.code, &set, r.first, 0, false) {
		r.table.next[b].Store(dfaMatch)
		return dfaMatch, true
	}
	to, ok := r.state(&w, &set, b)
	if ok {
		r.table.next[b].Store(to)
	}
	return to, ok
}

// step works out where a state of r's table leads to, which is then in what has become r's table.
func (r *Run) step(from uint32, class int) (uint32, bool) {
	r.lock.Lock()
	defer r.lock.Unlock()
	was := r.table
	r.table = r.Machine.table.Load()
	s := was.states[(int(from)-dfaRows)/r.columns]
	to, ok := r.lead(s, class)
	if ok && was.epoch == r.table.epoch {
		r.table.next[int(from)+class].Store(to)
	}
	return to, ok
}

// lead works out where s leads to.
func (r *Run) lead(s dfaState, class int) (uint32, bool) {
	var w way
	var now, then placeSet
	flags := r.flags(s.before, class)
	for _, place := range s.places {
		if w.follow(&r.code, &now, place, flags, true) {
			return dfaMatch, true
		}
	}
	if class == r.columns-1 {
		return dfaDead, true
	}
	for place := range now.all {
		if in := &r.insts[place]; in.op == opRune && r.sets[in.set]>>class&1 == 1 && w.follow(&r.code, &then, in.out, 0, false) {
			return dfaMatch, true
		}
	}
	tied := s.before & tiedBefore
	if tied == 0 && w.follow(&r.code, &then, r.first, 0, false) {
		return dfaMatch, true
	}
	return r.state(&w, &then, r.kinds[class]|tied)
}

// state gives the state of a set, and makes it if need be. When there is no room, all states are forgotten, once in a run.
func (r *Run) state(w *way, set *placeSet, b before) (uint32, bool) {
	places, hash, b := w.places(&r.code, set, b)
	if len(places) == 0 && b&tiedBefore != 0 {
		return dfaDead, true
	}
	t := r.table
	for i, known := range t.hashes {
		if s := &t.states[i]; known == hash && s.before == b && slices.Equal(s.places, places) {
			return uint32(dfaRows + i*r.columns), true
		}
	}
	r.made++
	r.Steps += stateSteps + placeSteps*int64(len(places))
	was := t.bytes()
	if was+int64(4*r.columns+stateBytes+2*len(places)) > dfaBytes {
		if r.reset || r.read < worthwhile*r.made {
			return 0, false
		}
		r.reset = true
		t = &dfaTable{epoch: t.epoch + 1, next: make([]atomic.Uint32, dfaRows+dfaFirst*r.columns)}
	}
	at := len(t.states)
	row := dfaRows + at*r.columns
	if row == len(t.next) {
		t = t.larger(r.columns)
	}
	t.states = append(t.states, dfaState{places: slices.Clone(places), before: b})
	t.hashes, t.places = append(t.hashes, hash), t.places+len(places)
	r.size.Add(t.bytes() - was)
	r.table = t
	r.Machine.table.Store(t)
	return uint32(row), true
}

// larger gives a table with the same states and room for half as many more, as far as they may have it.
func (t *dfaTable) larger(columns int) *dfaTable {
	rows := max(1, min(len(t.states)/2, (dfaBytes-int(t.bytes()))/(4*columns+stateBytes)))
	more := &dfaTable{
		epoch: t.epoch, states: t.states, hashes: t.hashes, places: t.places,
		next: make([]atomic.Uint32, len(t.next)+rows*columns),
	}
	for i := range t.next {
		more.next[i].Store(t.next[i].Load())
	}
	return more
}
