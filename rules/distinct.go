package rules

import (
	"math/bits"

	"github.com/notifyd/notifyd/rules/vector"
	"github.com/notifyd/notifyd/rulespec"
)

// A distinct chooses one filter of each owner out of a result. It goes through the lists a window of ordinals at a
// time, so that what is noted of runs, and the bounds of runs, stay in the processor's cache.
type distinct struct {
	view *view
	rest [][]uint32 // the lists from the window on
	seen [windowWords]uint64
	used [windowWords / 64]uint64 // of which words of seen any bit is set
	base uint32                   // the first ordinal of the window
	// open is the start of the run that goes on from before the window, if a filter of it was chosen.
	open   uint32
	owners []uint64 // a bit for each owner who may have several runs, by number
}

const (
	windowBits  = 18
	windowWords = 1 << windowBits / 64
)

// OnePerOwner gives one filter of each owner.
func (r *Result) OnePerOwner(yield func(rulespec.FilterID) bool) {
	if len(r.lists) == 0 {
		return
	}
	if r.distinct == nil {
		r.distinct = new(distinct)
	}
	c := r.distinct
	c.begin(r)
	for window := uint32(0); len(c.rest) > 0; window++ {
		c.base = window << windowBits
		left := c.rest[:0]
		for _, list := range c.rest {
			n := c.in(window, list)
			if n > 0 && !c.from(list[:n], yield) {
				return
			}
			if list = list[n:]; len(list) > 0 {
				left = append(left, list)
			}
		}
		c.rest = left
		c.end()
	}
}

func (c *distinct) begin(r *Result) {
	c.view, c.rest, c.open = r.view, c.rest[:0], noStart
	c.forget()
	clear(c.owners)
	r.live(func(ordinals []uint32) { c.rest = append(c.rest, ordinals) })
}

// in gives how many ordinals at the beginning of a list are in a window.
func (c *distinct) in(window uint32, list []uint32) int {
	switch {
	case list[0]>>windowBits != window:
		return 0
	case list[len(list)-1]>>windowBits == window:
		return len(list)
	}
	least, most := 1, len(list)-1
	for least < most {
		if middle := (least + most) / 2; list[middle]>>windowBits == window {
			least = middle + 1
		} else {
			most = middle
		}
	}
	return least
}

// from chooses among ordinals, which are in the window.
func (c *distinct) from(ordinals []uint32, yield func(rulespec.FilterID) bool) bool {
	var bounds *vector.Leaf[runBounds]
	number, last := ^uint32(0), noStart
	for _, ordinal := range ordinals {
		at := ordinal / 64
		if at>>vector.LeafBits != number {
			number = at >> vector.LeafBits
			if bounds = c.view.owners.bounds.Leaf(number); bounds == nil { // the first run of all goes on
				bounds = new(vector.Leaf[runBounds])
			}
		}
		start := bounds.Items[at%(1<<vector.LeafBits)].runStart(ordinal)
		if start == last && start != manyRuns {
			continue
		}
		last = start
		if word := (start - c.base) / 64; word < windowWords {
			bit := uint64(1) << (start % 64)
			if c.seen[word]&bit != 0 {
				continue
			}
			c.seen[word] |= bit
			c.used[word/64] |= 1 << (word % 64)
		} else if !c.first(ordinal, start) {
			continue
		}
		if !yield(c.view.id(ordinal)) {
			return false
		}
	}
	return true
}

// first says whether an ordinal is the first of its owner, and notes that; its run does not start in the window.
func (c *distinct) first(ordinal, start uint32) bool {
	if start != manyRuns {
		was := c.open
		c.open = start
		return was != start
	}
	owner := c.view.owners.of.At(ordinal)
	for int(owner/64) >= len(c.owners) {
		c.owners = append(c.owners, make([]uint64, 1+len(c.owners)/4)...)
	}
	was := c.owners[owner/64]>>(owner%64)&1 == 1
	c.owners[owner/64] |= 1 << (owner % 64)
	return !was
}

// end ends the window: of the runs that filters were chosen of, the one that goes on is remembered.
func (c *distinct) end() {
	next := c.base + 1<<windowBits
	if start := c.view.owners.bounds.At(next / 64).before; next > c.base && start-c.base < 1<<windowBits {
		if at := (start - c.base) / 64; c.seen[at]>>(start%64)&1 == 1 {
			c.open = start
		}
	}
	c.forget()
}

func (c *distinct) forget() {
	for i, used := range c.used {
		for ; used != 0; used &= used - 1 {
			c.seen[i*64+bits.TrailingZeros64(used)] = 0
		}
		c.used[i] = 0
	}
}
