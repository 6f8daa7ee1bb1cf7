package gaps

import (
	"slices"
	"time"

	"github.com/notifyd/notifyd/bus"
)

// A hole is one that is open.
type hole struct {
	bus.Hole
	filled []uint64 // a set of bits: which numbers have come
}

// fill notes a message, and reports whether it belongs into the hole.
func (h *hole) fill(e bus.Envelope) bool {
	n := e.Counter
	if h.Sequence {
		n = e.Sequence
	} else if e.Sequence > 0 || h.Publisher != e.Publisher() {
		return false
	}
	if n <= 0 || n < h.First || n > h.Last || h.Last-h.First > interruptWindow {
		return false
	}
	if h.filled == nil {
		h.filled = make([]uint64, (h.Last-h.First)/64+1)
	}
	word, bit := (n-h.First)/64, uint64(1)<<((n-h.First)%64)
	if h.filled[word]&bit == 0 {
		h.filled[word] |= bit
		h.Missing = max(0, h.Missing-1)
	}
	return true
}

// maxOpen bounds the holes of a source that are open.
const maxOpen = 256

// Add opens a hole that was found in another way, and gives it with its number, which no other source of holes will
// give. A source has at most one hole without bounds: a second widens it. It takes up the oldest of the others, too,
// when there are too many.
func (g *Finder) Add(h bus.Hole) *bus.Hole {
	if h.Unbounded() {
		for i := range g.open {
			if g.open[i].Unbounded() {
				return g.open[i].widen(h)
			}
		}
	}
	if h.Number == 0 {
		h.Number = max(g.nextHole+1, h.Until.UnixMicro())
	}
	g.nextHole = max(g.nextHole, h.Number)
	g.open = append(g.open, hole{Hole: h})
	if len(g.open) > maxOpen {
		g.takeUp()
	}
	return &h
}

// takeUp makes the oldest hole with bounds a part of the one without.
func (g *Finder) takeUp() {
	i := slices.IndexFunc(g.open, func(h hole) bool { return !h.Unbounded() })
	oldest := g.open[i]
	g.open = slices.Delete(g.open, i, i+1)
	all := bus.Hole{Since: oldest.Since, Until: oldest.Until}
	if oldest.Sequence {
		all.Sequence, all.First = true, oldest.First
	}
	g.Add(all)
}

// widen makes the hole hold another as well, and gives a copy.
func (h *hole) widen(other bus.Hole) *bus.Hole {
	if other.Since.Before(h.Since) {
		h.Since = other.Since
	}
	if other.Until.After(h.Until) {
		h.Until = other.Until
	}
	if h.First == 0 || other.First > 0 && other.First < h.First {
		h.First, h.Sequence = other.First, other.Sequence
	}
	widened := h.Hole
	return &widened
}

// Open gives the holes that are open, the oldest first.
func (g *Finder) Open() []bus.Hole {
	open := make([]bus.Hole, len(g.open))
	for i := range g.open {
		open[i] = g.open[i].Hole
	}
	return open
}

// Close forgets a hole: nothing is missing, or nothing more will fill it. It gives the hole as it stands; false says
// that it has been closed already, or has been widened since it was as given, and stays open.
func (g *Finder) Close(asked bus.Hole) (bus.Hole, bool) {
	h := g.find(asked.Number)
	if h == nil || h.Until.After(asked.Until) {
		return bus.Hole{}, false
	}
	closed := h.Hole
	g.open = slices.DeleteFunc(g.open, func(h hole) bool { return h.Number == closed.Number })
	return closed, true
}

// settle forgets the hole without bounds, where it is one of sequence numbers: a live message has come, and whatever is
// missing before it is a hole of its own.
func (g *Finder) settle() {
	g.open = slices.DeleteFunc(g.open, func(h hole) bool { return h.Unbounded() && h.Sequence })
}

// Narrow notes that a hole without bounds was asked for below a number and up to a time: a restart begins there. It
// gives the hole as it stands then.
func (g *Finder) Narrow(number, first int64, since time.Time) (bus.Hole, bool) {
	h := g.find(number)
	if h == nil {
		return bus.Hole{}, false
	}
	if h.Unbounded() {
		h.First = max(h.First, first)
	}
	if since.After(h.Since) {
		h.Since = since
	}
	return h.Hole, true
}

func (g *Finder) find(number int64) *hole {
	for i := range g.open {
		if g.open[i].Number == number {
			return &g.open[i]
		}
	}
	return nil
}

// fill notes a message in the hole into which it belongs; false where there is none.
func (g *Finder) fill(e bus.Envelope) bool {
	for i := range g.open {
		if g.open[i].fill(e) {
			return true
		}
	}
	return false
}
