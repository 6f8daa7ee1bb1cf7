package postings

import (
	"slices"

	"github.com/notifyd/notifyd/rules/vector"
)

// SetTerms says which residuals are single terms: by residual the term, 0 where it is more. The list only grows, and
// must be set before a posting has a residual that is not in it.
func (s *Shard) SetTerms(terms []uint32) { s.writer.term = terms }

// apply makes changes, which are in order.
func (s *Shard) apply(t *vector.Transient, ops []op) {
	for len(ops) > 0 {
		n := 1
		for n < len(ops) && ops[n].predicate == ops[0].predicate {
			n++
		}
		s.change(t, ops[:n])
		ops = ops[n:]
	}
	s.clean(t)
}

// Load adds lists to a predicate that has none but of lesser residuals. write calls add with each residual, in order,
// and its ordinals, in order.
func (s *Shard) Load(t *vector.Transient, predicate uint32, write func(add func(residual uint32, ordinals []uint32))) {
	lists, large := s.lists(predicate)
	var long []blockList
	if large != nil {
		long = slices.Clone(large.lists)
	}
	w := &s.writer
	w.reset()
	w.copy(lists, 0, lists.Len())
	write(func(residual uint32, ordinals []uint32) {
		w.ordinals = append(w.ordinals, ordinals...)
		w.end(residual)
	})
	s.store(t, predicate, long)
}

// change makes the lists of one predicate anew, with ops, which are in order.
func (s *Shard) change(t *vector.Transient, ops []op) {
	predicate := ops[0].predicate
	old, large := s.lists(predicate)
	var long []blockList
	if large != nil {
		long = slices.Clone(large.lists)
	}
	w, at := &s.writer, 0 // at: the lists of old that are written
	w.reset()
	for len(ops) > 0 {
		n := sameResidual(ops)
		residual, some := ops[0].residual, ops[:n]
		ops = ops[n:]
		if i, found := searchLists(long, residual); found {
			if long[i] = long[i].with(some); long[i].size == 0 {
				long = slices.Delete(long, i, i+1)
			}
			continue
		}
		from := at
		for at < old.Len() && old.Residual(at) < residual {
			at++
		}
		w.copy(old, from, at)
		var list []uint32
		if at < old.Len() && old.Residual(at) == residual {
			list = old.List(at)
			at++
		}
		w.ordinals = merge(w.ordinals, list, some)
		w.end(residual)
	}
	w.copy(old, at, old.Len())
	s.store(t, predicate, long)
}

// store lets what has been written, and long lists, stand at a predicate instead of what was there.
func (s *Shard) store(t *vector.Transient, predicate uint32, long []blockList) {
	w := &s.writer
	size := 0
	for i := range long {
		size += long[i].size
	}
	switch {
	case size == 0 && w.words() <= arrayWords:
		s.storeArray(t, predicate)
		return
	case size > 0 && size+w.words() < arrayWords/2:
		w.join(long)
		s.storeArray(t, predicate)
		return
	}
	l := &Large{size: size + len(w.ordinals), lists: w.divide(long), Single: true}
	for i := range l.lists {
		residual := l.lists[i].residual
		l.Residuals = append(l.Residuals, residual)
		l.Single = l.Single && w.isSingle(residual)
	}
	l.rest = w.written()
	ref := s.refs.At(predicate)
	if ref&largeRef == 0 {
		s.drop(t, ref)
		ref = largeRef | s.number()
		s.refs.Set(t, predicate, ref)
	}
	s.large.Set(t, ref&^largeRef, l)
}

// storeArray lets what has been written stand at a predicate, alone.
func (s *Shard) storeArray(t *vector.Transient, predicate uint32) {
	old := s.refs.At(predicate)
	ref := uint32(0)
	if n := s.writer.words(); n > 0 {
		var words Lists
		ref, words = s.words.put(t, predicate, n)
		s.writer.write(words)
	}
	s.refs.Set(t, predicate, ref)
	if old&largeRef == 0 {
		s.drop(t, old)
		return
	}
	s.large.Set(t, old&^largeRef, nil)
	s.spare = append(s.spare, old&^largeRef)
}

func (s *Shard) drop(t *vector.Transient, ref uint32) {
	if ref != 0 {
		s.words.drop(t, ref)
	}
}

// number gives a number of large that is free.
func (s *Shard) number() uint32 {
	if n := len(s.spare); n > 0 {
		number := s.spare[n-1]
		s.spare = s.spare[:n-1]
		return number
	}
	s.larges++
	return s.larges - 1
}

// join writes long lists between what has been written.
func (w *writer) join(long []blockList) {
	rest := w.written()
	w.reset()
	at := 0
	for i := range long {
		from := at
		for at < rest.Len() && rest.Residual(at) < long[i].residual {
			at++
		}
		w.copy(rest, from, at)
		for _, b := range long[i].blocks {
			w.ordinals = append(w.ordinals, b...)
		}
		w.end(long[i].residual)
	}
	w.copy(rest, at, rest.Len())
}

// divide takes the long lists out of what has been written, and gives them with those that are long already.
func (w *writer) divide(long []blockList) []blockList {
	head, ordinals, from := w.head, w.ordinals, uint32(0)
	kept, end := 0, uint32(0)
	for i := 0; i < len(head); i += 2 {
		residual, to := head[i], head[i+1]
		if to-from > listMost {
			at, _ := searchLists(long, residual)
			long = slices.Insert(long, at, blockList{residual: residual}.append(ordinals[from:to]))
		} else {
			end += uint32(copy(ordinals[end:], ordinals[from:to]))
			head[kept], head[kept+1] = residual, end
			kept += 2
		}
		from = to
	}
	w.head, w.ordinals = head[:kept], ordinals[:end]
	return long
}

// append gives l with ordinals behind those it has, in full blocks as far as they go.
func (l blockList) append(ordinals []uint32) blockList {
	l.size += len(ordinals)
	for parts := (len(ordinals) + BlockSize - 1) / BlockSize; parts > 0; parts-- {
		n := (len(ordinals) + parts - 1) / parts
		l.blocks = append(l.blocks, append(make([]uint32, 0, n), ordinals[:n]...))
		ordinals = ordinals[n:]
	}
	return l
}

// with gives l after ops, which are in order. l stays as it was.
func (l blockList) with(ops []op) blockList {
	next := blockList{residual: l.residual, blocks: make([][]uint32, 0, len(l.blocks)+1)}
	var into []uint32
	for i, b := range l.blocks {
		n := len(ops)
		if i+1 < len(l.blocks) {
			first := l.blocks[i+1][0]
			n, _ = slices.BinarySearchFunc(ops, first, func(o op, first uint32) int { return int(o.ordinal) - int(first) })
		}
		if n == 0 {
			next.blocks = append(next.blocks, b)
			next.size += len(b)
			continue
		}
		into = merge(into[:0], b, ops[:n])
		next = next.append(into)
		ops = ops[n:]
	}
	return next
}
