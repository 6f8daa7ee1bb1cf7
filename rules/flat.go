package rules

import (
	"cmp"
	"slices"
)

// flat is slots by signature, in one array: how many signatures there are; of each, in order, its number and where its
// slots end among the slots; then the slots, those of a signature in order. The empty one is nil.
type flat []uint32

func (f flat) runs() int {
	if len(f) == 0 {
		return 0
	}
	return int(f[0])
}

func (f flat) sig(i int) uint32 { return f[1+2*i] }

// run gives the slots of the i-th signature.
func (f flat) run(i int) []uint32 {
	slots, from := f[1+2*f[0]:], uint32(0)
	if i > 0 {
		from = f[2*i]
	}
	return slots[from:f[2+2*i]]
}

// find gives the slots of a signature.
func (f flat) find(sig uint32) []uint32 {
	for i := range f.runs() {
		if f.sig(i) == sig {
			return f.run(i)
		}
	}
	return nil
}

// An op puts a slot where it hangs, or takes it from there.
type op struct {
	pred, sig, slot uint32
	turn            uint32 // its number among the ops, and in the lowest bit whether it takes
}

func (o op) gone() bool { return o.turn&1 == 1 }

func compareOps(a, b op) int {
	if a.pred != b.pred {
		return cmp.Compare(a.pred, b.pred)
	}
	if a.sig != b.sig {
		return cmp.Compare(a.sig, b.sig)
	}
	if a.slot != b.slot {
		return cmp.Compare(a.slot, b.slot)
	}
	return cmp.Compare(a.turn, b.turn)
}

// same gives how many ops at the beginning of ops have the same signature.
func sameSig(ops []op) int {
	n := 1
	for n < len(ops) && ops[n].sig == ops[0].sig {
		n++
	}
	return n
}

// merged appends slots with ops, which are in order; of several ops for one slot the last counts.
func merged(into, slots []uint32, ops []op) []uint32 {
	for i, o := range ops {
		if i+1 < len(ops) && ops[i+1].slot == o.slot {
			continue
		}
		at, found := slices.BinarySearch(slots, o.slot)
		into = append(into, slots[:at]...)
		if slots = slots[at:]; found {
			slots = slots[1:]
		}
		if !o.gone() {
			into = append(into, o.slot)
		}
	}
	return append(into, slots...)
}

// A flatWriter makes a flat, run after run, in the order of the signatures.
type flatWriter struct {
	head  []uint32 // signatures and ends
	slots []uint32
}

func (w *flatWriter) reset() { w.head, w.slots = w.head[:0], w.slots[:0] }

// end ends the run that has been appended to slots.
func (w *flatWriter) end(sig uint32) {
	from := 0
	if n := len(w.head); n > 0 {
		from = int(w.head[n-1])
	}
	if len(w.slots) > from {
		w.head = append(w.head, sig, uint32(len(w.slots)))
	}
}

// copyRuns appends the runs from to to of f.
func (w *flatWriter) copyRuns(f flat, from, to int) {
	if from >= to {
		return
	}
	slots, first := f[1+2*f[0]:], uint32(0)
	if from > 0 {
		first = f[2*from]
	}
	shift := uint32(len(w.slots)) - first
	for i := from; i < to; i++ {
		w.head = append(w.head, f.sig(i), f[2+2*i]+shift)
	}
	w.slots = append(w.slots, slots[first:f[2*to]]...)
}

// words is how many words write writes.
func (w *flatWriter) words() int {
	if len(w.head) == 0 {
		return 0
	}
	return 1 + len(w.head) + len(w.slots)
}

func (w *flatWriter) write(into flat) {
	into[0] = uint32(len(w.head) / 2)
	copy(into[1:], w.head)
	copy(into[1+len(w.head):], w.slots)
}
