package rules

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/notifyd/notifyd/rules/literals"
	"github.com/notifyd/notifyd/rules/postings"
	"github.com/notifyd/notifyd/rules/programs"
	"github.com/notifyd/notifyd/rules/vector"
	"github.com/notifyd/notifyd/rulespec"
)

// An Index finds the filters that an event matches. The time follows what matches, not how many filters there are.
//
// Any number of goroutines match while one at a time changes. Readers take no lock: they see the filters as they were
// before a change or after it, whole. An Index keeps no text of its filters; Explain says why one matches.
type Index struct {
	env     rulespec.Env         // filters are compiled in it, with the owner of each
	current atomic.Pointer[view] // what readers see
	states  sync.Pool            // of *matchState
	budget  *budget              // of searches through texts

	// What follows belongs to the goroutine that holds change.
	change     sync.Mutex
	next       *view               // what readers will see
	transient  *vector.Transient   // what has been copied for next
	queue      *postings.Queue     // postings that next does not have yet
	bulk       *bulkLoad           // not nil: filters are only placed, and posted at the end
	identities map[string]uint32   // predicates that are no terms, by identity: see identityOf
	residuals  map[string]uint32   // residuals, by their conditions: see residualKey
	ordinals   ordinals            // of the filters, with their placements
	exclusions map[uint32][]uint32 // of placements, by ordinal: see excludesMore
	runsOf     []ownerRuns         // by owner's number
	removed    int                 // filters taken out or replaced

	conditions  []condition // room for those of one filter
	residualKey []byte      // room for the bytes of conditions
	lastOwner   struct {    // the owner that was asked for last
		name   string
		number uint32
	}
}

// A view is an Index as readers see it. It never changes; lists only grow, so views share them.
type view struct {
	preds        []predicate      // by predicate
	dictionary   *dictionary      // finds the predicates that are terms
	names        stringArena      // values of terms
	checks       []check          // of predicates that are asked
	searches     []searched       // of predicates that search
	programs     *programs.Cache  // compiled expressions, by search
	requirements []rulespec.Key   // what predicates require of the directory
	fields       [maxFields]field // by field of an event
	texts        *literals.Index  // finds searches through texts
	searched     uint8            // the texts that are searched, a bit each

	residuals    [][]condition         // by residual, less postings.FirstResidual
	residualTerm []uint32              // by residual: the term that is all of it; 0: it is more, or none
	termResidual vector.Vector[uint32] // by term: the residual that is it alone; 0: there is none

	shards []postings.Shard // the postings, by owner
	pages  []uint64         // by page of ordinals: the page of ids
	owners owners           // of the ordinals
}

// NewIndex makes an empty Index. Filters are compiled in env, with the owner of each.
func NewIndex(env rulespec.Env) *Index {
	return newIndex(env, min(runtime.GOMAXPROCS(0), mostShards), programBytes)
}

// mostShards bounds the shards, since every match looks into each. With two, exact rules take half as long again as
// with one; with eight, two to three times as long.
const mostShards = 4

func newIndex(env rulespec.Env, shards int, programBytes int64) *Index {
	x := &Index{
		env: env, budget: newBudget(), queue: postings.NewQueue(shards),
		identities: map[string]uint32{}, residuals: map[string]uint32{}, exclusions: map[uint32][]uint32{},
		ordinals: ordinals{of: map[uint64]uint32{}},
	}
	x.next = &view{
		preds: []predicate{{form: formRoot}}, dictionary: newDictionary(64), programs: programs.New(programBytes),
		shards: make([]postings.Shard, shards),
	}
	x.publish()
	return x
}

// publish lets readers see the changes.
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

// Apply makes all changes at once. A filter that cannot be compiled is taken out, never matches, and is given in
// broken.
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
// the memory.
const compileAtOnce = 4096

// put posts a filter, which is not there.
func (x *Index) put(f rulespec.Filter, compiled []compiledRule) {
	owner := x.ownerNumber(f.Owner)
	p := x.placementOf(compiled)
	ordinal := x.ordinals.add(x.next, f.ID)
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
	x.removed++
	x.flushFull()
}

// flush makes the changes to postings that are queued.
func (x *Index) flush() { x.queue.Flush(x.transient, x.next.shards) }

// flushFull keeps the queue from becoming long.
func (x *Index) flushFull() {
	if x.queue.Full() {
		x.flush()
	}
}

// shard gives the shard of an owner's filters.
func (x *Index) shard(owner uint32) int { return int(owner) % len(x.next.shards) }

// Stale says that a new Index of the same filters would be much smaller: predicates and residuals stay when the filters
// have gone that asked for them. An Index cannot rebuild itself, since it has no text of its filters.
func (x *Index) Stale() bool {
	x.change.Lock()
	defer x.change.Unlock()
	return x.removed > x.ordinals.size+rebuildAfter
}

// rebuildAfter is how many more filters must have been removed than there are before an Index is stale.
const rebuildAfter = 10_000
