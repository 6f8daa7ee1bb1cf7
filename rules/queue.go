package rules

import (
	"slices"
	"sync"
)

// A queue is what is to be done to the shards. Nodes are made anew when they change, so what changes them is gathered and
// done to each at once.
type queue struct {
	ops    [][]op         // by shard
	size   int            // in all
	killed map[uint32]int // by predicate: how many filters it will kill besides
}

const (
	// queueMost bounds the changes that wait: they take 16 bytes each.
	queueMost = 1 << 19
	// queueAlone is how many changes are not worth a goroutine for each shard.
	queueAlone = 1 << 10
)

// hang queues that ordinal hangs from pred with a signature; take, that it does no longer.
func (x *Index) hang(shard int, pred, sig, ordinal uint32) {
	x.queueOp(shard, op{pred, sig, ordinal, 0})
}
func (x *Index) take(shard int, pred, sig, ordinal uint32) {
	x.queueOp(shard, op{pred, sig, ordinal, 1})
}

func (x *Index) queueOp(shard int, o op) {
	q := &x.queue
	o.turn |= uint32(q.size) << 1
	q.ops[shard] = append(q.ops[shard], o)
	q.size++
	if o.sig == sigKilled && !o.gone() {
		q.killed[o.pred]++
	}
}

// flushMany keeps the queue from becoming long.
func (x *Index) flushMany() {
	if x.queue.size >= queueMost {
		x.flush()
	}
}

// flush does what is queued, each shard on a goroutine of its own when it is much.
func (x *Index) flush() {
	q := &x.queue
	if q.size == 0 {
		return
	}
	work := func(shard int) {
		if ops := q.ops[shard]; len(ops) > 0 {
			slices.SortFunc(ops, compareOps)
			x.next.shards[shard].apply(x.transient, ops)
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
	clear(q.killed)
	q.size = 0
}
