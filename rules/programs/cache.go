package programs

import (
	"sync"
	"sync/atomic"
)

// A Cache has the programs of numbered expressions. It never changes, except that programs come and go; one with more
// numbers shares them. It is safe for concurrent use.
type Cache struct {
	*shared
	chunks []*chunk // by number
}

// shared is what caches have in common.
type shared struct {
	limit int64        // of bytes
	bytes atomic.Int64 // of all programs

	sweeping sync.Mutex
	hand     int // the number that was looked at last; it belongs to the goroutine that sweeps
}

const chunkSize = 256

type chunk [chunkSize]atomic.Pointer[Program]

// New makes a Cache of no numbers, whose programs take so many bytes, roughly.
func New(limit int64) *Cache { return &Cache{shared: &shared{limit: limit}} }

// Grow gives a Cache for the numbers below n, with the same programs.
func (c *Cache) Grow(n int) *Cache {
	if n <= len(c.chunks)*chunkSize {
		return c
	}
	return &Cache{shared: c.shared, chunks: append(c.chunks[:len(c.chunks):len(c.chunks)], new(chunk))}
}

// Bytes is what the programs take, roughly.
func (c *Cache) Bytes() int64 { return c.bytes.Load() }

// Get gives the program of a number, which always has the same expression. compiled: it was not kept.
func (c *Cache) Get(number uint32, expression string) (p *Program, compiled bool, err error) {
	cell := &c.chunks[number/chunkSize][number%chunkSize]
	if p = cell.Load(); p != nil {
		if !p.asked.Load() {
			p.asked.Store(true)
		}
		return p, false, nil
	}
	if p, err = compile(expression); err != nil {
		return nil, true, err
	}
	c.Measure(p)
	if !cell.CompareAndSwap(nil, p) {
		c.letGo(p)
	}
	if c.bytes.Load() > c.limit {
		c.sweep()
	}
	return p, true, nil
}

// Measure counts what a program has become. The caller has used it.
func (c *Cache) Measure(p *Program) {
	for {
		was, now := p.size.Load(), p.bytes()
		if was < 0 || was == now {
			return
		}
		if p.size.CompareAndSwap(was, now) {
			c.bytes.Add(now - was)
			return
		}
	}
}

func (c *Cache) letGo(p *Program) {
	if was := p.size.Swap(-1); was > 0 {
		c.bytes.Add(-was)
	}
}

// sweep lets programs go until there is a little room, or the hand has gone round twice.
func (c *Cache) sweep() {
	if !c.sweeping.TryLock() {
		return
	}
	defer c.sweeping.Unlock()
	all := len(c.chunks) * chunkSize
	for range 2 * all {
		if c.bytes.Load() <= c.limit-c.limit/64 {
			return
		}
		c.hand = (c.hand + 1) % all
		cell := &c.chunks[c.hand/chunkSize][c.hand%chunkSize]
		p := cell.Load()
		if p != nil && !p.asked.Swap(false) && cell.CompareAndSwap(p, nil) {
			c.letGo(p)
		}
	}
}
