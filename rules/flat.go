package rules

import (
	"cmp"
	"slices"
)

// flat is ordinals by signature, in one array: how many signatures there are; of each, in order, its number and where its
// ordinals end among the ordinals; then the ordinals, those of a signature in order. The empty one is nil.
type flat []uint32

func (f flat) runs() int {
	if len(f) == 0 {
		return 0
	}
	return int(f[0] &^ eachOneTerm)
}

// eachOneTerm is a mark on the number of signatures: each of them is one term. Then those that hold are looked for, and
// the others need not be looked at.
const eachOneTerm = 1 << 31

func (f flat) eachOneTerm() bool { return f[0]&eachOneTerm != 0 }

// search gives the place of a signature.
func (f flat) search(sig uint32) (i int, found bool) {
	least, most := 0, f.runs()
	for least < most {
		if middle := (least + most) / 2; f.sig(middle) < sig {
			least = middle + 1
		} else {
			most = middle
		}
	}
	return least, least < f.runs() && f.sig(least) == sig
}

func (f flat) sig(i int) uint32 { return f[1+2*i] }

// run gives the ordinals of the i-th signature.
func (f flat) run(i int) []uint32 {
	ordinals, from := f[1+2*f.runs():], uint32(0)
	if i > 0 {
		from = f[2*i]
	}
	return ordinals[from:f[2+2*i]]
}

// find gives the ordinals of a signature.
func (f flat) find(sig uint32) []uint32 {
	for i := range f.runs() {
		if f.sig(i) == sig {
			return f.run(i)
		}
	}
	return nil
}

// An op puts an ordinal where it hangs, or takes it from there.
type op struct {
	pred, sig, ordinal uint32
	turn               uint32 // its number among the ops, and in the lowest bit whether it takes
}

func (o op) gone() bool { return o.turn&1 == 1 }

func compareOps(a, b op) int {
	if a.pred != b.pred {
		return cmp.Compare(a.pred, b.pred)
	}
	if a.sig != b.sig {
		return cmp.Compare(a.sig, b.sig)
	}
	if a.ordinal != b.ordinal {
		return cmp.Compare(a.ordinal, b.ordinal)
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

// merged appends ordinals with ops, which are in order; of several ops for one ordinal the last counts.
func merged(into, ordinals []uint32, ops []op) []uint32 {
	for i, o := range ops {
		if i+1 < len(ops) && ops[i+1].ordinal == o.ordinal {
			continue
		}
		at, found := slices.BinarySearch(ordinals, o.ordinal)
		into = append(into, ordinals[:at]...)
		if ordinals = ordinals[at:]; found {
			ordinals = ordinals[1:]
		}
		if !o.gone() {
			into = append(into, o.ordinal)
		}
	}
	return append(into, ordinals...)
}

// A flatWriter makes a flat, run after run, in the order of the signatures.
type flatWriter struct {
	head     []uint32 // signatures and ends
	ordinals []uint32
	only     []uint32 // the view's
}

func (w *flatWriter) reset() { w.head, w.ordinals = w.head[:0], w.ordinals[:0] }

// end ends the run that has been appended to ordinals.
func (w *flatWriter) end(sig uint32) {
	from := 0
	if n := len(w.head); n > 0 {
		from = int(w.head[n-1])
	}
	if len(w.ordinals) > from {
		w.head = append(w.head, sig, uint32(len(w.ordinals)))
	}
}

// copyRuns appends the runs from to to of f.
func (w *flatWriter) copyRuns(f flat, from, to int) {
	if from >= to {
		return
	}
	ordinals, first := f[1+2*f.runs():], uint32(0)
	if from > 0 {
		first = f[2*from]
	}
	shift := uint32(len(w.ordinals)) - first
	for i := from; i < to; i++ {
		w.head = append(w.head, f.sig(i), f[2+2*i]+shift)
	}
	w.ordinals = append(w.ordinals, ordinals[first:f[2*to]]...)
}

// eachOneTerm says whether all signatures are one term.
func (w *flatWriter) eachOneTerm() bool {
	for i := 0; i < len(w.head); i += 2 {
		if sig := w.head[i]; sig >= sigFirst && w.only[sig] == 0 {
			return false
		}
	}
	return true
}

// words is how many words write writes.
func (w *flatWriter) words() int {
	if len(w.head) == 0 {
		return 0
	}
	return 1 + len(w.head) + len(w.ordinals)
}

func (w *flatWriter) write(into flat) {
	into[0] = uint32(len(w.head) / 2)
	if w.eachOneTerm() {
		into[0] |= eachOneTerm
	}
	copy(into[1:], w.head)
	copy(into[1+len(w.head):], w.ordinals)
}
