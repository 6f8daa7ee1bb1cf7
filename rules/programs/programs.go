// Package programs keeps compiled expressions, as far as they have room.
//
// A compiled expression takes a KiB or more, its text a hundred bytes, and most expressions never meet a text that
// has their literals. So an expression is compiled when a text first asks for it, and the Cache has a bound in bytes:
// when it is full, programs that were not asked for lately are let go, and compiled again if need be. They are chosen
// by the CLOCK algorithm (F. Corbató, "A Paging Experiment with the Multics System", 1968): a hand goes round, takes
// the mark of what was asked for, and lets go of what has none.
//
// A Program grows while it is used, since its automaton makes states, and so it is measured again after each use.
package programs

import (
	"regexp"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/notifyd/notifyd/rules/automaton"
	"github.com/notifyd/notifyd/rulespec"
)

// A Program is a compiled expression. Its automaton answers; regexp does where the automaton has no room. It is safe
// for concurrent use.
type Program struct {
	Leading []string // every match begins with one of these literals: see rulespec.CompileProgram
	Insts   int      // instructions

	expression string
	machine    *automaton.Machine
	full       atomic.Int32 // how often the automaton had no room
	once       sync.Once
	regexp     atomic.Pointer[regexp.Regexp]

	asked atomic.Bool  // since the hand last came by
	size  atomic.Int64 // bytes, as counted; negative: it has been let go
}

const (
	// fullOften is how often an automaton may have no room before it is not asked any more.
	fullOften = 3
	// instBytes is about what regexp takes for each instruction.
	instBytes = 150
)

func compile(expression string) (*Program, error) {
	compiled, leading, err := rulespec.CompileProgram(expression)
	if err != nil {
		return nil, err
	}
	p := &Program{
		expression: expression, machine: automaton.New(compiled), Leading: leading, Insts: len(compiled.Inst),
	}
	p.asked.Store(true)
	return p, nil
}

// Machine gives the automaton of the expression; nil where it has none, or had no room too often.
func (p *Program) Machine() *automaton.Machine {
	if p.full.Load() >= fullOften {
		return nil
	}
	return p.machine
}

// Full notes that the automaton had no room.
func (p *Program) Full() { p.full.Add(1) }

// Regexp gives the expression as regexp has it.
func (p *Program) Regexp() *regexp.Regexp {
	p.once.Do(func() { p.regexp.Store(regexp.MustCompile(p.expression)) })
	return p.regexp.Load()
}

func (p *Program) bytes() int64 {
	n := int64(unsafe.Sizeof(*p))
	if p.machine != nil {
		n += p.machine.Bytes()
	}
	if p.regexp.Load() != nil {
		n += int64(p.Insts) * instBytes
	}
	return n
}
