package rules

import (
	"sync"
	"sync/atomic"

	"github.com/notifyd/notifyd/rulespec"
)

// An Index finds the filters that an event matches in time that follows what matches and not how many filters there
// are. Any number of goroutines may ask while one at a time changes: who asks takes no lock and sees the filters as they
// were before a change or after it, whole. An Index does not keep the text of its filters.
type Index struct {
	env     rulespec.Env
	current atomic.Pointer[view]
	scratch sync.Pool // of *scratch

	change sync.Mutex // what is below belongs to whoever changes
	edit   *edit
	next   *view
	named  map[string]uint32 // predicates that are no terms, by identity
	sigs   map[string]uint32
	slots  slots
	places places
	hung   []uint32 // while filters are loaded: how many will hang from each predicate
}

// A view is an Index as its readers see it: it never changes. The lists only grow, so views share them.
type view struct {
	preds    []predicate
	terms    *terms
	names    names
	checks   []check
	searches []searched
	programs *programs
	needs    []rulespec.Key
	sigs     [][]literal
	fields   [maxFields]field
	texts    *grams // of the searches through texts
	searched uint8  // the texts that they look at, a bit each

	nodes     vec[*node]    // by predicate
	kills     vec[*killed]  // by predicate
	above     vec[[]uint32] // by term: the predicates that it is one of the keys of
	ids       vec[uint32]   // by slot: the filter's id, lower half
	idsHigh   vec[uint32]   // upper half
	pageOwner vec[uint32]   // by page of slots
}

// A Change is a filter to add or to replace, or to take out.
type Change struct {
	Filter rulespec.Filter // only the ID counts when it is Gone
	Gone   bool
}

// NewIndex makes an empty Index; env is what filters are compiled for, except that the owner is each filter's own.
func NewIndex(env rulespec.Env) *Index {
	x := &Index{
		env: env, named: map[string]uint32{}, sigs: map[string]uint32{}, places: places{more: map[uint32][]uint32{}},
		slots: slots{owners: map[string]uint32{}, of: map[rulespec.FilterID]*[idPage]uint32{}},
	}
	x.next = &view{terms: newTerms(64), preds: []predicate{{form: formRoot}}}
	x.publish()
	return x
}

// publish lets readers see what has been changed.
func (x *Index) publish() {
	v := *x.next
	x.current.Store(&v)
	x.edit = new(edit)
}

// Len is how many filters there are, without the broken ones.
func (x *Index) Len() int {
	x.change.Lock()
	defer x.change.Unlock()
	return x.slots.size
}

// Apply makes all changes at once. A filter that cannot be compiled is taken out, never matches and comes back in broken.
func (x *Index) Apply(changes ...Change) (broken []Broken) {
	x.change.Lock()
	defer x.change.Unlock()
	for len(changes) > 0 {
		some := changes[:min(len(changes), compileAtOnce)]
		changes = changes[len(some):]
		for i, c := range compileAll(x.env, some) {
			f := some[i].Filter
			x.remove(f.ID)
			switch {
			case some[i].Gone:
			case c.err != nil:
				broken = append(broken, Broken{f.ID, c.err})
			default:
				x.put(f, c.rules)
			}
		}
	}
	x.publish()
	return broken
}

// compileAtOnce bounds the filters that are compiled and not yet in the index: a compiled filter takes a hundred times
// the room.
const compileAtOnce = 4096

func (x *Index) put(f rulespec.Filter, compiled []compiledRule) {
	p := x.place(compiled)
	slot := x.slots.take(x.edit, x.next, f.ID, f.Owner)
	n := x.next.nodes.at(p.access).own(x.edit)
	n.put(x.edit, p.sig, slot)
	x.next.nodes.set(x.edit, p.access, n)
	for _, id := range p.kills {
		x.next.kills.set(x.edit, id, x.next.kills.at(id).with(slot))
	}
	x.places.keep(slot, p)
}

// remove takes a filter out, if it is there.
func (x *Index) remove(f rulespec.FilterID) {
	slot, known := x.slots.find(f)
	if !known {
		return
	}
	p := x.places.take(slot)
	n := x.next.nodes.at(p.access).own(x.edit)
	if n.drop(x.edit, p.sig, slot); n.empty() {
		n = nil
	}
	x.next.nodes.set(x.edit, p.access, n)
	for _, id := range p.kills {
		x.next.kills.set(x.edit, id, x.next.kills.at(id).without(slot))
	}
	x.slots.give(x.next, f, slot)
}
