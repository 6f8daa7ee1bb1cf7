package rules

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/notifyd/notifyd/rules/literals"
	"github.com/notifyd/notifyd/rules/postings"
	"github.com/notifyd/notifyd/rules/vector"
	"github.com/notifyd/notifyd/rulespec"
)

// An Index finds the filters that an event matches in time that follows what matches and not how many filters there
// are. Any number of goroutines may ask while one at a time changes: who asks takes no lock and sees the filters as they
// were before a change or after it, whole. An Index does not keep the text of its filters.
type Index struct {
	env     rulespec.Env
	current atomic.Pointer[view]
	states  sync.Pool // of *matchState
	budget  *budget

	change      sync.Mutex // what is below belongs to whoever changes
	transient   *vector.Transient
	next        *view
	identities  map[string]uint32 // predicates that are no terms, by identity
	residuals   map[string]uint32
	conditions  []condition // of the last filter, and what it is in residuals
	residualKey []byte
	ordinals    ordinals
	exclusions  map[uint32][]uint32 // by ordinal: see excludesMore
	runsOf      []ownerRuns         // by owner's number
	last        struct {            // the owner that was asked for last
		owner  string
		number uint32
	}
	queue *postings.Queue
	bulk  *bulkLoad // not nil: filters are counted here and not posted yet
	gone  int       // filters taken out or replaced
}

// A view is an Index as its readers see it: it never changes. The lists only grow, so views share them.
type view struct {
	preds        []predicate
	dictionary   *dictionary
	names        stringArena
	checks       []check
	searches     []searched
	programs     *programs
	requirements []rulespec.Key
	residuals    [][]condition
	residualTerm []uint32              // by residual: the term that is all that it asks for; 0: it is not of that sort
	termResidual vector.Vector[uint32] // by term: the residual that asks for it alone; 0: there is none
	fields       [maxFields]field
	texts        *literals.Index // of the searches through texts
	searched     uint8           // the texts that they look at, a bit each

	shards []postings.Shard // of which each has the filters of some owners
	pages  []uint64         // by page of ordinals: the page of ids
	owners owners           // of the ordinals
}

// A Change is a filter to add or to replace, or to take out.
type Change struct {
	Filter rulespec.Filter // only the ID counts when it is Gone
	Gone   bool
}

// NewIndex makes an empty Index; env is what filters are compiled for, except that the owner is each filter's own.
func NewIndex(env rulespec.Env) *Index { return newIndex(env, min(runtime.GOMAXPROCS(0), mostShards)) }

// mostShards bounds the shards: what an event leads to is looked up in each. Two take half as long again as one to find
// something by exact rules, eight twice to three times as long.
const mostShards = 4

func newIndex(env rulespec.Env, shards int) *Index {
	x := &Index{
		env: env, identities: map[string]uint32{}, residuals: map[string]uint32{}, exclusions: map[uint32][]uint32{},
		ordinals: ordinals{of: map[uint64]uint32{}}, queue: postings.NewQueue(shards),
	}
	x.budget = newBudget()
	x.next = &view{programs: &programs{budget: x.budget}, dictionary: newDictionary(64), preds: []predicate{{form: formRoot}}, shards: make([]postings.Shard, shards)}
	x.publish()
	return x
}

// publish lets readers see what has been changed.
func (x *Index) publish() {
	x.flush()
	v := *x.next
	v.shards = slices.Clone(v.shards)
	x.current.Store(&v)
	x.transient = new(vector.Transient)
}

// Len is how many filters there are, without the broken ones.
func (x *Index) Len() int {
	x.change.Lock()
	defer x.change.Unlock()
	return x.ordinals.size
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

// put posts a filter, which is not there.
func (x *Index) put(f rulespec.Filter, compiled []compiledRule) {
	owner := x.ownerNumber(f.Owner)
	p := x.placementOf(compiled)
	ordinal := x.ordinals.take(x.next, f.ID)
	x.setOwner(ordinal, owner)
	if x.bulk != nil {
		x.bulk.count(p, 1)
	} else {
		shard := x.shard(owner)
		x.queue.Post(shard, p.access, p.residual, ordinal)
		for _, id := range p.exclusions {
			x.queue.Post(shard, id, postings.Excluded, ordinal)
		}
	}
	x.setPlacement(ordinal, owner, p)
	x.ordinals.size++
	x.flushFull()
}

// remove takes a filter out, if it is there.
func (x *Index) remove(f rulespec.FilterID) {
	ordinal, known := x.ordinals.find(f)
	if !known {
		return
	}
	p, known := x.placementAt(ordinal)
	if !known {
		return
	}
	if x.bulk != nil {
		x.bulk.count(p, -1)
	} else {
		shard := x.shard(x.next.owners.of.At(ordinal))
		x.queue.Remove(shard, p.access, p.residual, ordinal)
		for _, id := range p.exclusions {
			x.queue.Remove(shard, id, postings.Excluded, ordinal)
		}
	}
	x.clearPlacement(ordinal)
	x.ordinals.size--
	x.gone++
	x.flushFull()
}

// flush makes the changes that are queued; flushFull keeps the queue from becoming long.
func (x *Index) flush() { x.queue.Flush(x.transient, x.next.shards) }

func (x *Index) flushFull() {
	if x.queue.Full() {
		x.flush()
	}
}

// shard gives the shard of an owner's filters.
func (x *Index) shard(owner uint32) int { return int(owner) % len(x.next.shards) }

// Stale says that an index built anew from the filters that there are would be much smaller: what only filters asked for
// that have gone stays in it. An Index does not have the text of its filters, so whoever has it should then make another.
func (x *Index) Stale() bool {
	x.change.Lock()
	defer x.change.Unlock()
	return x.gone > x.ordinals.size+rebuildAfter
}

// rebuildAfter is how many more filters may have gone than are there before an index is stale.
const rebuildAfter = 10_000
