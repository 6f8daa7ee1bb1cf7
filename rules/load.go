package rules

import (
	"iter"
	"runtime"
	"sync"

	"github.com/notifyd/notifyd/rulespec"
)

// Load puts filters into the index, as Apply does with one by one, but many millions in seconds: it compiles on all
// processors while the next are read, holds a few thousand of them at a time, and hangs them up when all are there.
// Until then readers see the index as it was. Of filters with the same id the last counts. What cannot be compiled is
// taken out, never matches and comes back in broken, in the order of the filters.
//
// An error that comes with a filter ends the loading and comes back; the filters before it are in the index.
func (x *Index) Load(filters iter.Seq2[rulespec.Filter, error]) (broken []Broken, err error) {
	x.change.Lock()
	defer x.change.Unlock()
	l := &loading{x: x}
	defer func() {
		l.hang()
		x.hung = nil
		x.publish()
	}()
	err = l.read(filters)
	return l.broken, err
}

// A loading is filters on their way into an index: those that have a slot and a place, and do not hang there yet.
type loading struct {
	x       *Index
	broken  []Broken
	pending []uint64 // a bit for each slot
	size    int      // how many bits are set
}

// A loadBatch is filters that one goroutine compiles.
type loadBatch struct {
	filters  []rulespec.Filter
	compiled []compilation
	done     chan struct{} // closed when they are compiled
}

// loadAtOnce is how many filters a batch has.
const loadAtOnce = 512

func newLoadBatch() *loadBatch {
	return &loadBatch{filters: make([]rulespec.Filter, 0, loadAtOnce), done: make(chan struct{})}
}

func (b *loadBatch) compile(c *compiler) {
	b.compiled = make([]compilation, len(b.filters))
	for i, f := range b.filters {
		b.compiled[i].rules, b.compiled[i].err = c.filter(f)
	}
	close(b.done)
}

// read takes filters in batches, lets them be compiled by many goroutines, and gives them places in their order.
func (l *loading) read(filters iter.Seq2[rulespec.Filter, error]) error {
	processors := runtime.GOMAXPROCS(0)
	compile, place := make(chan *loadBatch, processors), make(chan *loadBatch, 2*processors)
	var workers sync.WaitGroup
	for range processors {
		workers.Go(func() {
			c := newCompiler(l.x.env)
			for b := range compile {
				b.compile(c)
			}
		})
	}
	workers.Go(func() {
		for b := range place {
			<-b.done
			l.place(b)
		}
	})
	defer func() {
		close(compile)
		close(place)
		workers.Wait()
	}()
	next := newLoadBatch()
	for f, err := range filters {
		if err != nil {
			place <- next
			compile <- next
			return err
		}
		if next.filters = append(next.filters, f); len(next.filters) == loadAtOnce {
			place <- next
			compile <- next
			next = newLoadBatch()
		}
	}
	place <- next
	compile <- next
	return nil
}

// place gives the filters of a batch slots and places.
func (l *loading) place(b *loadBatch) {
	for i, c := range b.compiled {
		f := &b.filters[i]
		l.drop(f.ID)
		if c.err != nil {
			l.broken = append(l.broken, Broken{f.ID, c.err})
			continue
		}
		p := l.x.place(c.rules)
		l.put(l.x.slots.take(l.x.edit, l.x.next, f.ID, f.Owner), p)
	}
}

// put keeps the place of a slot, to hang it there later.
func (l *loading) put(slot uint32, p place) {
	x := l.x
	x.places.keep(slot, p)
	for _, id := range p.kills {
		x.next.kills.set(x.edit, id, x.next.kills.at(id).with(slot))
	}
	for int(slot/64) >= len(l.pending) {
		l.pending = append(l.pending, 0)
	}
	l.pending[slot/64] |= 1 << (slot % 64)
	l.size++
	for int(p.access) >= len(x.hung) {
		x.hung = append(x.hung, 0)
	}
	x.hung[p.access]++
}

// drop takes a filter out, if it is there: hanging or not yet.
func (l *loading) drop(f rulespec.FilterID) {
	x := l.x
	slot, known := x.slots.find(f)
	if !known {
		return
	}
	if int(slot/64) >= len(l.pending) || l.pending[slot/64]>>(slot%64)&1 == 0 {
		x.remove(f)
		return
	}
	p := x.places.take(slot)
	for _, id := range p.kills {
		x.next.kills.set(x.edit, id, x.next.kills.at(id).without(slot))
	}
	x.slots.give(x.next, f, slot)
	l.pending[slot/64] &^= 1 << (slot % 64)
	l.size--
	x.hung[p.access]--
}
