package rules

import (
	"regexp"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/notifyd/notifyd/rules/automaton"
	"github.com/notifyd/notifyd/rulespec"
)

// programs keeps the compiled expressions of the searches through texts, as far as they have room: a compiled expression
// takes a KiB or more, its text a hundred bytes, and most expressions never meet a text that has their literals. Those
// that have not been used for longest have to go, roughly.
type programs struct {
	*budget
	chunks []*programChunk // by number of the search
}

// programsAtOnce is how many programs there is made room for at once.
const programChunkSize = 256

// A programChunk is the places of so many programs; views share them.
type programChunk [programChunkSize]atomic.Pointer[program]

// A program is a compiled expression. Its machine answers; regexp does where the machine has no room.
type program struct {
	expression string
	machine    *automaton.Machine // nil: the expression is not for it
	leading    []string           // see rulespec.CompileProgram
	insts      int
	full       atomic.Int32 // how often the machine had no room
	asked      atomic.Bool  // since the last look for something to let go
	size       atomic.Int64 // bytes, as counted; negative: it has been let go

	once   sync.Once
	regexp atomic.Pointer[regexp.Regexp]
}

// fullOften is how often a machine may have no room until it is not tried any more.
const fullOften = 3

// grown gives programs with room for n searches.
func (p *programs) grown(n int) *programs {
	if n <= len(p.chunks)*programChunkSize {
		return p
	}
	return &programs{budget: p.budget, chunks: append(p.chunks[:len(p.chunks):len(p.chunks)], new(programChunk))}
}

// of gives the program of a search, compiled now if it is not kept.
func (p *programs) of(number uint32, expression string) (known *program, compiled bool, err error) {
	place := &p.chunks[number/programChunkSize][number%programChunkSize]
	if known = place.Load(); known != nil {
		if !known.asked.Load() {
			known.asked.Store(true)
		}
		return known, false, nil
	}
	fresh, err := newProgram(expression)
	if err != nil {
		return nil, true, err
	}
	p.measure(fresh)
	if !place.CompareAndSwap(nil, fresh) {
		p.letGo(fresh)
	}
	if p.bytes.Load() > p.limits.Load().Programs {
		p.sweep()
	}
	return fresh, true, nil
}

func newProgram(expression string) (*program, error) {
	compiled, leading, err := rulespec.CompileProgram(expression)
	if err != nil {
		return nil, err
	}
	p := &program{
		expression: expression, machine: automaton.New(compiled), leading: leading, insts: len(compiled.Inst),
	}
	p.asked.Store(true)
	return p, nil
}

// plain gives the expression as regexp has it.
func (p *program) plain() *regexp.Regexp {
	p.once.Do(func() { p.regexp.Store(regexp.MustCompile(p.expression)) })
	return p.regexp.Load()
}

// instBytes is about what regexp takes for each instruction.
const instBytes = 150

func (p *program) bytes() int64 {
	n := int64(unsafe.Sizeof(*p))
	if p.machine != nil {
		n += p.machine.Bytes()
	}
	if p.regexp.Load() != nil {
		n += int64(p.insts) * instBytes
	}
	return n
}

// measure counts what a program has become.
func (p *programs) measure(one *program) {
	for {
		was, now := one.size.Load(), one.bytes()
		if was < 0 || was == now {
			return
		}
		if one.size.CompareAndSwap(was, now) {
			p.budget.bytes.Add(now - was)
			return
		}
	}
}

func (p *programs) letGo(one *program) {
	if was := one.size.Swap(-1); was > 0 {
		p.budget.bytes.Add(-was)
	}
}

// sweep lets programs go that were not asked for since it last came by, until there is a little room; it goes round at
// most twice.
func (p *programs) sweep() {
	if !p.sweeping.TryLock() {
		return
	}
	defer p.sweeping.Unlock()
	all := len(p.chunks) * programChunkSize
	most := p.limits.Load().Programs
	for range 2 * all {
		if p.bytes.Load() <= most-most/64 {
			return
		}
		p.hand = (p.hand + 1) % all
		place := &p.chunks[p.hand/programChunkSize][p.hand%programChunkSize]
		one := place.Load()
		if one != nil && !one.asked.Swap(false) && place.CompareAndSwap(one, nil) {
			p.letGo(one)
		}
	}
}
