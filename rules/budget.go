package rules

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/notifyd/notifyd/rules/postings"
	"github.com/notifyd/notifyd/rulespec"
)

// limits are what searches through texts may take.
type limits struct {
	// Programs is how many bytes compiled expressions may take, roughly; others are let go and compiled again.
	Programs int64
	// Steps is how much the searches of one message may do. A step is a byte that a machine reads, or a byte for each
	// instruction where regexp reads it: some nanoseconds, whatever the clock says, so that it does not depend on the
	// machine or its load which filters a message matches.
	Steps int64
}

// defaultLimits are 64 MiB, and steps that take some 20 ms.
var defaultLimits = limits{Programs: 64 << 20, Steps: 12 << 20}

// An Expensive is a filter that is too expensive: one message alone cost one of its expressions a great part of what all
// searches of a message have together, and others were not made for it.
type Expensive struct {
	Filter rulespec.FilterID
	Steps  int64 // see limits
}

// A budget is what searches through texts take and may take. Views share it.
type budget struct {
	limits  atomic.Pointer[limits]
	bytes   atomic.Int64  // of programs
	skipped atomic.Uint64 // searches that were not made

	sweeping sync.Mutex
	hand     int // belongs to who sweeps

	refused atomic.Pointer[map[uint32]int64] // predicates that are too expensive, and their steps; changed under marking
	marking sync.Mutex
	fresh   []uint32 // of refused: not taken yet
}

func newBudget() *budget {
	e := new(budget)
	e.limits.Store(&defaultLimits)
	return e
}

// An account counts what the searches of one message cost. Machines and regexp have each their own account: an expression
// for which a machine has no room cannot use up what the others need.
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

const (
	// compileSteps is what it costs to compile an expression, for each instruction.
	compileSteps = 256
	// costlyPart is of the steps of a message the part of which an expression takes one to be too expensive, if not all
	// searches could be made.
	costlyPart = 8
)

// settle ends the count of a message. When searches were skipped, the expressions that are to blame are refused from now
// on. Nobody is to blame for a message that is large.
func (e *budget) settle(m *account) {
	if m.skipped == 0 {
		return
	}
	e.skipped.Add(m.skipped)
	most := e.limits.Load().Steps
	for _, d := range m.costly {
		if d.steps >= most/costlyPart {
			e.refuse(d.id, d.steps)
		}
	}
}

func (e *budget) isRefused(id uint32) bool {
	all := e.refused.Load()
	if all == nil {
		return false
	}
	_, refused := (*all)[id]
	return refused
}

func (e *budget) refuse(id uint32, steps int64) {
	e.marking.Lock()
	defer e.marking.Unlock()
	if e.isRefused(id) {
		return
	}
	e.change(func(all map[uint32]int64) { all[id] = steps })
	e.fresh = append(e.fresh, id)
}

// allow lets a predicate be tried again: somebody has stored a filter that has it.
func (e *budget) allow(id uint32) {
	if !e.isRefused(id) {
		return
	}
	e.marking.Lock()
	defer e.marking.Unlock()
	e.change(func(all map[uint32]int64) { delete(all, id) })
	e.fresh = slices.DeleteFunc(e.fresh, func(one uint32) bool { return one == id })
}

// change makes a changed copy of refused; the caller has the lock.
func (e *budget) change(with func(map[uint32]int64)) {
	all := map[uint32]int64{}
	if old := e.refused.Load(); old != nil {
		for id, steps := range *old {
			all[id] = steps
		}
	}
	with(all)
	e.refused.Store(&all)
}

// take gives the predicates refused since the last call.
func (e *budget) takeRefused() map[uint32]int64 {
	e.marking.Lock()
	defer e.marking.Unlock()
	if len(e.fresh) == 0 {
		return nil
	}
	taken := map[uint32]int64{}
	for _, id := range e.fresh {
		taken[id] = (*e.refused.Load())[id]
	}
	e.fresh = nil
	return taken
}

// Skipped is how many searches through texts were not made since the index was made, because their messages had cost too
// much already. What they would have decided counts as what cannot be evaluated.
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

// refusedFor gives the steps for which one of the predicates of a place is refused; 0 when none is.
func (x *Index) refusedFor(p *placement, refused map[uint32]int64) int64 {
	steps := refused[p.access]
	for _, id := range p.exclusions {
		steps = max(steps, refused[id])
	}
	for _, l := range x.next.residuals[p.residual-postings.FirstResidual] {
		steps = max(steps, refused[l.predicate()])
	}
	return steps
}
