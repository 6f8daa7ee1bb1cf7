package rules

import (
	"iter"
	"runtime"
	"sync"

	"github.com/notifyd/notifyd/rulespec"
)

// Load puts filters into the index, as Apply does, but many millions in seconds: it compiles on all processors while
// the next filters are read, and holds a few thousand of them at a time. An empty index is loaded in bulk: postings
// are made when all filters are placed. Until Load returns, readers see the index as it was.
//
// Of filters with the same id the last counts. A filter that cannot be compiled is taken out, never matches, and is
// given in broken, in the order of the filters. An error that comes with a filter ends the loading; the filters
// before it are in the index.
func (x *Index) Load(filters iter.Seq2[rulespec.Filter, error]) (broken []Broken, err error) {
	x.change.Lock()
	defer x.change.Unlock()
	if x.ordinals.size == 0 {
		x.bulk = new(bulkLoad)
	}
	defer func() {
		if x.bulk != nil {
			x.finishBulk()
		}
		x.publish()
	}()
	l := &loading{x: x}
	err = l.read(filters)
	return l.broken, err
}

// A loading is filters on their way into an index.
type loading struct {
	x      *Index
	broken []Broken
}

// A loadBatch is filters that one goroutine compiles.
type loadBatch struct {
	filters  []rulespec.Filter
	compiled []compilation
	done     chan struct{} // receives once when they are compiled
}

// loadAtOnce is how many filters a batch has.
const loadAtOnce = 512

func newLoadBatch() *loadBatch {
	return &loadBatch{
		filters:  make([]rulespec.Filter, 0, loadAtOnce),
		compiled: make([]compilation, loadAtOnce),
		done:     make(chan struct{}, 1),
	}
}

func (b *loadBatch) compile(c *compiler) {
	for i := range b.filters {
		b.compiled[i].rules, b.compiled[i].err = c.filter(&b.filters[i])
	}
	b.done <- struct{}{}
}

// read reads filters in batches. Many goroutines compile the batches, and one puts them into the index in their order.
func (l *loading) read(filters iter.Seq2[rulespec.Filter, error]) error {
	processors := runtime.GOMAXPROCS(0)
	compile, place := make(chan *loadBatch, processors), make(chan *loadBatch, 2*processors)
	free := make(chan *loadBatch, 4*processors) // at most so many are under way
	for range cap(free) {
		free <- newLoadBatch()
	}
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
			l.put(b)
			free <- b
		}
	})
	defer func() {
		close(compile)
		close(place)
		workers.Wait()
	}()
	next := <-free
	for f, err := range filters {
		if err != nil {
			place <- next
			compile <- next
			return err
		}
		if next.filters = append(next.filters, f); len(next.filters) == loadAtOnce {
			place <- next
			compile <- next
			next = <-free
		}
	}
	place <- next
	compile <- next
	return nil
}

// put puts the filters of a batch into the index, and empties the batch.
func (l *loading) put(b *loadBatch) {
	for i, c := range b.compiled[:len(b.filters)] {
		f := b.filters[i]
		l.x.remove(f.ID)
		if c.err != nil {
			l.broken = append(l.broken, Broken{f.ID, c.err})
			continue
		}
		l.x.put(f, c.rules)
	}
	clear(b.filters)
	clear(b.compiled)
	b.filters = b.filters[:0]
}
