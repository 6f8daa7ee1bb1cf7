package automaton

import (
	"slices"
	"sync/atomic"
)

// A table is the states so far. When it is full, a larger one with the same states takes its place; when the states
// have no more room, an empty one of the next epoch does. A Run goes on with the table that it has, and changes to the
// current one when it next needs a state.
type table struct {
	epoch int
	// next is the transitions: a row for each state, by class of character, and last the transition at the end of the
	// text. The words before the first row are the start states, by left context.
	next []atomic.Uint32
	// What follows belongs to the goroutine that holds Machine.lock.
	states []state
	hashes []uint32 // of states
	insts  int      // in all states
}

// A state is the instructions that wait for the next character, in order, and the left context.
type state struct {
	insts []uint16
	left  leftContext
}

// The values of table.next. Every other value is the index in next of a state's row.
const (
	unmade    = iota // nobody has gone there yet
	dead             // no match is possible any more
	accepting        // the expression has matched
	firstRow  = 2 * leftContexts
)

const (
	// maxBytes bounds the states of one Machine.
	maxBytes = 64 << 10
	// firstStates is how many states a table has room for at first.
	firstStates = 6
	// stateBytes is the memory of a state without its row and its instructions.
	stateBytes = 48
	// worthwhile is how many bytes a Run must read for each state that it makes, if it may drop states for new ones:
	// with fewer, regexp is faster.
	worthwhile = 10
	// stateSteps is the cost of making a state, in steps, and instSteps that of each instruction in it.
	stateSteps, instSteps = 64, 8
)

func (t *table) bytes() int64 {
	return int64(4*len(t.next) + stateBytes*len(t.states) + 2*t.insts)
}

// start makes a start state.
func (r *Run) start(left leftContext) (uint32, bool) {
	m := r.machine
	m.lock.Lock()
	defer m.lock.Unlock()
	r.table = m.table.Load()
	var s stack
	var set instSet
	if s.closure(&m.code, &set, m.first, 0, false) {
		r.table.next[left].Store(accepting)
		return accepting, true
	}
	to, ok := r.state(&s, &set, left)
	if ok {
		r.table.next[left].Store(to)
	}
	return to, ok
}

// step makes the transition of a state of r.table. The state that it leads to is one of what is r.table afterwards.
func (r *Run) step(from uint32, class int) (uint32, bool) {
	m := r.machine
	m.lock.Lock()
	defer m.lock.Unlock()
	old := r.table
	r.table = m.table.Load()
	to, ok := r.next(old.states[(int(from)-firstRow)/m.columns], class)
	if ok && old.epoch == r.table.epoch {
		r.table.next[int(from)+class].Store(to)
	}
	return to, ok
}

// next computes the state behind s and a character of a class: first the assertions that hold between the two, then
// the instructions that take the character, then what these lead to.
func (r *Run) next(s state, class int) (uint32, bool) {
	m := r.machine
	var stack stack
	var now, then instSet
	flags := m.flags(s.left, class)
	for _, inst := range s.insts {
		if stack.closure(&m.code, &now, inst, flags, true) {
			return accepting, true
		}
	}
	if class == m.columns-1 {
		return dead, true
	}
	for inst := range now.all {
		in := &m.insts[inst]
		takes := in.op == opRune && m.sets[in.set]>>class&1 == 1
		if takes && stack.closure(&m.code, &then, in.out, 0, false) {
			return accepting, true
		}
	}
	anchored := s.left & anchoredRun
	if anchored == 0 && stack.closure(&m.code, &then, m.first, 0, false) {
		return accepting, true
	}
	return r.state(&stack, &then, m.contexts[class]|anchored)
}

// state gives the state of a set, and makes it if there is none. When there is no room, it drops all states, once in a
// Run; false: there is no room even so.
func (r *Run) state(s *stack, set *instSet, left leftContext) (uint32, bool) {
	m := r.machine
	insts, hash, left := s.waiting(&m.code, set, left)
	if len(insts) == 0 && left&anchoredRun != 0 {
		return dead, true
	}
	t := r.table
	for i, known := range t.hashes {
		if s := &t.states[i]; known == hash && s.left == left && slices.Equal(s.insts, insts) {
			return uint32(firstRow + i*m.columns), true
		}
	}
	r.made++
	r.Steps += stateSteps + instSteps*int64(len(insts))
	was := t.bytes()
	if was+int64(4*m.columns+stateBytes+2*len(insts)) > maxBytes {
		if r.flushed || r.read < worthwhile*r.made {
			return 0, false
		}
		r.flushed = true
		t = &table{epoch: t.epoch + 1, next: make([]atomic.Uint32, firstRow+firstStates*m.columns)}
	}
	row := firstRow + len(t.states)*m.columns
	if row == len(t.next) {
		t = t.larger(m.columns)
	}
	t.states = append(t.states, state{insts: slices.Clone(insts), left: left})
	t.hashes, t.insts = append(t.hashes, hash), t.insts+len(insts)
	m.size.Add(t.bytes() - was)
	r.table = t
	m.table.Store(t)
	return uint32(row), true
}

// larger gives a table with the same states and room for half as many more, as far as maxBytes allows.
func (t *table) larger(columns int) *table {
	rows := max(1, min(len(t.states)/2, (maxBytes-int(t.bytes()))/(4*columns+stateBytes)))
	more := &table{
		epoch: t.epoch, states: t.states, hashes: t.hashes, insts: t.insts,
		next: make([]atomic.Uint32, len(t.next)+rows*columns),
	}
	for i := range t.next {
		more.next[i].Store(t.next[i].Load())
	}
	return more
}
