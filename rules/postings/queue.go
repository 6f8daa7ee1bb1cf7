package postings

import (
	"cmp"
	"slices"
	"sync"

	"github.com/notifyd/notifyd/rules/vector"
)

// A Queue is postings to be added and removed. The lists of a predicate are made anew when they change, so changes wait
// until many can be made at once.
type Queue struct {
	ops      [][]op         // by shard
	size     int            // in all
	excluded map[uint32]int // by predicate: how many exclusions are to be added
}

// An op adds a posting or removes it.
type op struct {
	predicate, residual, ordinal uint32
	turn                         uint32 // its number among the ops, and in the lowest bit whether it removes
}

const (
	// queueMost bounds the changes that wait: they take 16 bytes each.
	queueMost = 1 << 19
	// queueAlone is how many changes are not worth a goroutine for each shard.
	queueAlone = 1 << 10
)

// NewQueue makes a Queue for so many shards.
func NewQueue(shards int) *Queue {
	return &Queue{ops: make([][]op, shards), excluded: map[uint32]int{}}
}

// Post queues that an ordinal is posted under a predicate with a residual.
func (q *Queue) Post(shard int, predicate, residual, ordinal uint32) {
	q.add(shard, op{predicate, residual, ordinal, 0})
	if residual == Excluded {
		q.excluded[predicate]++
	}
}

// Remove queues that it is no longer.
func (q *Queue) Remove(shard int, predicate, residual, ordinal uint32) {
	q.add(shard, op{predicate, residual, ordinal, 1})
}

func (q *Queue) add(shard int, o op) {
	o.turn |= uint32(q.size) << 1
	q.ops[shard] = append(q.ops[shard], o)
	q.size++
}

// Excluded gives how many exclusions are to be added to a predicate.
func (q *Queue) Excluded(predicate uint32) int { return q.excluded[predicate] }

// Full says that it is time to flush.
func (q *Queue) Full() bool { return q.size >= queueMost }

// Flush makes the changes, each shard on a goroutine of its own where they are many. shards are those that the Queue
// was made for.
func (q *Queue) Flush(t *vector.Transient, shards []Shard) {
	if q.size == 0 {
		return
	}
	work := func(shard int) {
		if ops := q.ops[shard]; len(ops) > 0 {
			slices.SortFunc(ops, compareOps)
			shards[shard].apply(t, ops)
		}
	}
	var workers sync.WaitGroup
	for i := range q.ops {
		if q.size < queueAlone {
			work(i)
		} else {
			workers.Go(func() { work(i) })
		}
	}
	workers.Wait()
	for i := range q.ops {
		if q.ops[i] = q.ops[i][:0]; cap(q.ops[i]) > queueAlone {
			q.ops[i] = nil
		}
	}
	clear(q.excluded)
	q.size = 0
}

func (o op) removes() bool { return o.turn&1 == 1 }

func compareOps(a, b op) int {
	if a.predicate != b.predicate {
		return cmp.Compare(a.predicate, b.predicate)
	}
	if a.residual != b.residual {
		return cmp.Compare(a.residual, b.residual)
	}
	if a.ordinal != b.ordinal {
		return cmp.Compare(a.ordinal, b.ordinal)
	}
	return cmp.Compare(a.turn, b.turn)
}

// sameResidual gives how many ops at the beginning of ops have the same residual.
func sameResidual(ops []op) int {
	n := 1
	for n < len(ops) && ops[n].residual == ops[0].residual {
		n++
	}
	return n
}

// merge appends ordinals with ops, which are in order; of several ops for one ordinal the last counts.
func merge(into, ordinals []uint32, ops []op) []uint32 {
	for i, o := range ops {
		if i+1 < len(ops) && ops[i+1].ordinal == o.ordinal {
			continue
		}
		at, found := slices.BinarySearch(ordinals, o.ordinal)
		into = append(into, ordinals[:at]...)
		if ordinals = ordinals[at:]; found {
			ordinals = ordinals[1:]
		}
		if !o.removes() {
			into = append(into, o.ordinal)
		}
	}
	return append(into, ordinals...)
}
