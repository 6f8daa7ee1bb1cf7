package rules

import (
	"slices"

	"github.com/notifyd/notifyd/rules/vector"
)

// change makes anew what stands at one predicate, with ops, which are in order.
func (s *shard) change(e *vector.Transient, ops []op) {
	pred := ops[0].pred
	old, l := s.node(pred)
	var groups []group
	if l != nil {
		groups = slices.Clone(l.groups)
	}
	w, at := &s.writer, 0 // at: the runs of old that are written
	w.reset()
	for len(ops) > 0 {
		n := sameSig(ops)
		sig, some := ops[0].sig, ops[:n]
		ops = ops[n:]
		if i, found := findGroup(groups, sig); found {
			if groups[i] = groups[i].with(some); groups[i].size == 0 {
				groups = slices.Delete(groups, i, i+1)
			}
			continue
		}
		from := at
		for at < old.runs() && old.sig(at) < sig {
			at++
		}
		w.copyRuns(old, from, at)
		var run []uint32
		if at < old.runs() && old.sig(at) == sig {
			run = old.run(at)
			at++
		}
		w.ordinals = merged(w.ordinals, run, some)
		w.end(sig)
	}
	w.copyRuns(old, at, old.runs())
	s.keep(e, pred, groups)
}

// keep lets what has been written, and groups, stand at a predicate instead of what was there.
func (s *shard) keep(e *vector.Transient, pred uint32, groups []group) {
	w := &s.writer
	size := 0
	for i := range groups {
		size += groups[i].size
	}
	switch {
	case size == 0 && w.words() <= flatWords:
		s.keepFlat(e, pred)
		return
	case size > 0 && size+w.words() < flatWords/2:
		s.flatten(groups)
		s.keepFlat(e, pred)
		return
	}
	l := &large{size: size + len(w.ordinals)}
	l.groups = s.divide(groups)
	l.eachOneTerm = true
	for i := range l.groups {
		sig := l.groups[i].sig
		l.sigs = append(l.sigs, sig)
		l.eachOneTerm = l.eachOneTerm && (sig < sigFirst || w.only[sig] != 0)
	}
	if n := w.words(); n > 0 {
		l.rest = make(flat, n)
		w.write(l.rest)
	}
	number := s.nodes.At(pred)
	if number&largeNode == 0 {
		s.dropFlat(e, number)
		number = largeNode | s.number()
		s.nodes.Set(e, pred, number)
	}
	s.large.Set(e, number&^largeNode, l)
}

// keepFlat lets what has been written stand at a predicate, alone.
func (s *shard) keepFlat(e *vector.Transient, pred uint32) {
	old := s.nodes.At(pred)
	place := uint32(0)
	if n := s.writer.words(); n > 0 {
		var words flat
		place, words = s.words.put(e, pred, n)
		s.writer.write(words)
	}
	s.nodes.Set(e, pred, place)
	if old&largeNode == 0 {
		s.dropFlat(e, old)
		return
	}
	s.large.Set(e, old&^largeNode, nil)
	s.spare = append(s.spare, old&^largeNode)
}

func (s *shard) dropFlat(e *vector.Transient, place uint32) {
	if place != 0 {
		s.words.drop(e, place)
	}
}

// number gives a number for a large node.
func (s *shard) number() uint32 {
	if n := len(s.spare); n > 0 {
		number := s.spare[n-1]
		s.spare = s.spare[:n-1]
		return number
	}
	s.larges++
	return s.larges - 1
}

// flatten writes the ordinals of groups between what has been written.
func (s *shard) flatten(groups []group) {
	var rest flat
	if n := s.writer.words(); n > 0 {
		rest = make(flat, n)
		s.writer.write(rest)
	}
	s.writer.reset()
	at := 0
	for i := range groups {
		from := at
		for at < rest.runs() && rest.sig(at) < groups[i].sig {
			at++
		}
		s.writer.copyRuns(rest, from, at)
		for _, b := range groups[i].blocks {
			s.writer.ordinals = append(s.writer.ordinals, b...)
		}
		s.writer.end(groups[i].sig)
	}
	s.writer.copyRuns(rest, at, rest.runs())
}

// divide makes groups of the long runs that have been written.
func (s *shard) divide(groups []group) []group {
	w := &s.writer
	long := func(from, to uint32) bool { return to-from > runMost }
	head, ordinals, from := w.head, w.ordinals, uint32(0)
	kept, end := 0, uint32(0)
	for i := 0; i < len(head); i += 2 {
		sig, to := head[i], head[i+1]
		if long(from, to) {
			at, _ := findGroup(groups, sig)
			groups = slices.Insert(groups, at, group{sig: sig}.of(ordinals[from:to]))
		} else {
			end += uint32(copy(ordinals[end:], ordinals[from:to]))
			head[kept], head[kept+1] = sig, end
			kept += 2
		}
		from = to
	}
	w.head, w.ordinals = head[:kept], ordinals[:end]
	return groups
}

// of gives g with ordinals after those it has, in full blocks as far as they go.
func (g group) of(ordinals []uint32) group {
	g.size += len(ordinals)
	parts := (len(ordinals) + blockMost - 1) / blockMost
	for ; parts > 0; parts-- {
		n := (len(ordinals) + parts - 1) / parts
		g.blocks = append(g.blocks, append(make([]uint32, 0, n), ordinals[:n]...))
		ordinals = ordinals[n:]
	}
	return g
}

// with gives g after ops, which are in order. g stays as it was.
func (g group) with(ops []op) group {
	next := group{sig: g.sig, blocks: make([][]uint32, 0, len(g.blocks)+1)}
	var into []uint32
	for i, b := range g.blocks {
		n := len(ops)
		if i+1 < len(g.blocks) {
			n, _ = slices.BinarySearchFunc(ops, g.blocks[i+1][0], func(o op, ordinal uint32) int { return int(o.ordinal) - int(ordinal) })
		}
		if n == 0 {
			next.blocks = append(next.blocks, b)
			next.size += len(b)
			continue
		}
		into = merged(into[:0], b, ops[:n])
		next = next.of(into)
		ops = ops[n:]
	}
	return next
}
