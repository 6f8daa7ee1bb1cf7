package rules

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/notifyd/notifyd/rules/postings"
	"github.com/notifyd/notifyd/rulespec"
)

const (
	// messageSteps is how many steps the searches of one message may take: some 20 ms. A step is a byte that an
	// automaton reads, or a byte for each instruction where regexp reads it: some nanoseconds. Steps are counted and
	// not timed, so that it does not depend on the computer or its load which filters a message matches.
	messageSteps = 12 << 20
	// programBytes bounds the compiled expressions.
	programBytes = 64 << 20
	// compileSteps is the cost of compiling an expression, for each instruction.
	compileSteps = 256
	// expensivePart is the part of the steps of a message, one in so many, for which an expression is too expensive,
	// if not all searches could be made.
	expensivePart = 8
)

// A budget bounds what searches through texts take. Expressions that use up what others need are refused.
type budget struct {
	steps   atomic.Int64  // of a message
	skipped atomic.Uint64 // searches that were not made

	refused atomic.Pointer[map[uint32]int64] // by predicate, and its steps; never changed, but replaced
	lock    sync.Mutex                       // held to replace refused
	fresh   []uint32                         // of refused: not taken yet
}

func newBudget() *budget {
	b := new(budget)
	b.steps.Store(messageSteps)
	return b
}

// An account counts what the searches of one message cost. Automata and regexp have each their own steps: an expression
// for which an automaton has no room cannot use up what the others need.
type account struct {
	machine, regexp int64 // steps that are left
	skipped         uint64
	costly          []costly
}

// A costly is a predicate that cost much, or would have.
type costly struct {
	id    uint32
	steps int64
}

// settle ends the account of a message. When searches were skipped, the expressions are refused from now on that used
// up much. None is to blame for a message that is large.
func (b *budget) settle(a *account) {
	if a.skipped == 0 {
		return
	}
	b.skipped.Add(a.skipped)
	for _, c := range a.costly {
		if c.steps >= b.steps.Load()/expensivePart {
			b.refuse(c.id, c.steps)
		}
	}
}

func (b *budget) isRefused(id uint32) bool {
	all := b.refused.Load()
	if all == nil {
		return false
	}
	_, refused := (*all)[id]
	return refused
}

func (b *budget) refuse(id uint32, steps int64) {
	b.lock.Lock()
	defer b.lock.Unlock()
	if b.isRefused(id) {
		return
	}
	b.change(func(all map[uint32]int64) { all[id] = steps })
	b.fresh = append(b.fresh, id)
}

// allow lets a predicate be tried again, since a filter that has it is stored.
func (b *budget) allow(id uint32) {
	if !b.isRefused(id) {
		return
	}
	b.lock.Lock()
	defer b.lock.Unlock()
	b.change(func(all map[uint32]int64) { delete(all, id) })
	b.fresh = slices.DeleteFunc(b.fresh, func(one uint32) bool { return one == id })
}

// change replaces refused by a changed copy; the caller has the lock.
func (b *budget) change(with func(map[uint32]int64)) {
	all := map[uint32]int64{}
	if old := b.refused.Load(); old != nil {
		all = maps.Clone(*old)
	}
	with(all)
	b.refused.Store(&all)
}

// takeRefused gives the predicates refused since the last call, and their steps.
func (b *budget) takeRefused() map[uint32]int64 {
	b.lock.Lock()
	defer b.lock.Unlock()
	if len(b.fresh) == 0 {
		return nil
	}
	taken := map[uint32]int64{}
	for _, id := range b.fresh {
		taken[id] = (*b.refused.Load())[id]
	}
	b.fresh = nil
	return taken
}

// An Expensive is a filter that is too expensive: one message alone cost one of its expressions a great part of what
// all searches of a message have together, and others were not made for it.
type Expensive struct {
	Filter rulespec.FilterID
	Steps  int64 // bytes read, or bytes read for each instruction
}

// Skipped is how many searches through texts were not made so far, because their messages had cost too much already.
// Their predicates were unknown.
func (x *Index) Skipped() uint64 { return x.budget.skipped.Load() }

// TakeExpensive gives the filters found too expensive since the last call. They match nothing any more, until a filter
// with the same expression is put in again.
func (x *Index) TakeExpensive() []Expensive {
	refused := x.budget.takeRefused()
	if refused == nil {
		return nil
	}
	x.change.Lock()
	defer x.change.Unlock()
	var found []Expensive
	for ordinal := range uint32(len(x.ordinals.pages)) << pageBits {
		p, known := x.placementAt(ordinal)
		if !known {
			continue
		}
		if steps := x.refusedFor(&p, refused); steps != 0 {
			found = append(found, Expensive{x.next.id(ordinal), steps})
		}
	}
	return found
}

// refusedFor gives the steps for which a predicate of a filter is refused; 0 when none is.
func (x *Index) refusedFor(p *placement, refused map[uint32]int64) int64 {
	steps := refused[p.access]
	for _, id := range p.exclusions {
		steps = max(steps, refused[id])
	}
	for _, c := range x.next.residuals[p.residual-postings.FirstResidual] {
		steps = max(steps, refused[c.predicate()])
	}
	return steps
}
