package postings

// Lists are the posting lists of one predicate in one array: how many there are; of each, its residual and where it
// ends among the ordinals; then the ordinals. Empty Lists are nil.
type Lists []uint32

// singles is a mark on the number of lists.
const singles = 1 << 31

// Len is how many lists there are.
func (l Lists) Len() int {
	if len(l) == 0 {
		return 0
	}
	return int(l[0] &^ singles)
}

// Single says that each residual is a single term, which holds or does not by what the event has. Then those that hold
// are searched for, and the others need not be looked at.
func (l Lists) Single() bool { return l[0]&singles != 0 }

// Residual gives the residual of the i-th list. They ascend.
func (l Lists) Residual(i int) uint32 { return l[1+2*i] }

// List gives the ordinals of the i-th list.
func (l Lists) List(i int) []uint32 {
	ordinals, from := l[1+2*l.Len():], uint32(0)
	if i > 0 {
		from = l[2*i]
	}
	return ordinals[from:l[2+2*i]]
}

// Search gives the index of a residual's list.
func (l Lists) Search(residual uint32) (i int, found bool) {
	least, most := 0, l.Len()
	for least < most {
		if middle := (least + most) / 2; l.Residual(middle) < residual {
			least = middle + 1
		} else {
			most = middle
		}
	}
	return least, least < l.Len() && l.Residual(least) == residual
}

// A writer makes Lists, list after list, in the order of the residuals.
type writer struct {
	head     []uint32 // residuals and ends
	ordinals []uint32
	term     []uint32 // by residual: the term that it is, 0 where it is more
}

func (w *writer) reset() { w.head, w.ordinals = w.head[:0], w.ordinals[:0] }

// end ends the list that has been appended to ordinals.
func (w *writer) end(residual uint32) {
	from := 0
	if n := len(w.head); n > 0 {
		from = int(w.head[n-1])
	}
	if len(w.ordinals) > from {
		w.head = append(w.head, residual, uint32(len(w.ordinals)))
	}
}

// copy appends the lists from to to of l.
func (w *writer) copy(l Lists, from, to int) {
	if from >= to {
		return
	}
	ordinals, first := l[1+2*l.Len():], uint32(0)
	if from > 0 {
		first = l[2*from]
	}
	shift := uint32(len(w.ordinals)) - first
	for i := from; i < to; i++ {
		w.head = append(w.head, l.Residual(i), l[2+2*i]+shift)
	}
	w.ordinals = append(w.ordinals, ordinals[first:l[2*to]]...)
}

// isSingle says whether a residual is a single term, or none at all.
func (w *writer) isSingle(residual uint32) bool {
	return residual < FirstResidual || w.term[residual] != 0
}

// words is how many words write writes.
func (w *writer) words() int {
	if len(w.head) == 0 {
		return 0
	}
	return 1 + len(w.head) + len(w.ordinals)
}

func (w *writer) write(into Lists) {
	single := true
	for i := 0; i < len(w.head) && single; i += 2 {
		single = w.isSingle(w.head[i])
	}
	into[0] = uint32(len(w.head) / 2)
	if single {
		into[0] |= singles
	}
	copy(into[1:], w.head)
	copy(into[1+len(w.head):], w.ordinals)
}

// written gives what has been written as Lists of their own.
func (w *writer) written() Lists {
	n := w.words()
	if n == 0 {
		return nil
	}
	l := make(Lists, n)
	w.write(l)
	return l
}
