package rules

import (
	"cmp"
	"slices"
	"sync"
)

// A bulk is filters that have a place and do not hang there yet: all of an index that was empty. They are hung up at
// once, sorted by place, so that each node is made once and whole.
type bulk struct {
	hung   []uint32 // by predicate: how many filters will hang from it
	killed []uint32 // by predicate: how many it will kill
}

// count counts a place n times.
func (b *bulk) count(p place, n int) {
	b.hung = reaching(b.hung, p.access)
	b.hung[p.access] += uint32(n)
	for _, id := range p.kills {
		b.killed = reaching(b.killed, id)
		b.killed[id] += uint32(n)
	}
}

// reaching gives list so long that it has an item i.
func reaching(list []uint32, i uint32) []uint32 {
	if int(i) >= len(list) {
		list = append(list, make([]uint32, int(i)+1-len(list))...)
	}
	return list
}

// counted gives what is counted for a predicate.
func counted(list []uint32, id uint32) int {
	if int(id) < len(list) {
		return int(list[id])
	}
	return 0
}

// hangAll hangs up all filters that have places; none hangs yet.
func (x *Index) hangAll() {
	x.bulk = nil
	x.flush() // what is no filter may stand at predicates
	var workers sync.WaitGroup
	for i := range x.next.shards {
		workers.Go(func() { newHanging(x, i).hang() })
	}
	workers.Wait()
}

// A hanging hangs up the filters of a shard.
type hanging struct {
	x        *Index
	shard    int
	ends     []uint32 // by predicate: where its filters end in ordinals
	ordinals []uint32 // by predicate, in order
	kills    []kill   // in order
	sigs     []uint32 // by signature: a count
	pairs    []uint64
}

// A kill is a predicate and a filter, as an ordinal, that it kills.
type kill struct{ predicate, ordinal uint32 }

func compareKills(a, b kill) int {
	return cmp.Or(cmp.Compare(a.predicate, b.predicate), cmp.Compare(a.ordinal, b.ordinal))
}

// newHanging sorts the filters of a shard by what they hang from: counts them, and then puts each where it belongs.
func newHanging(x *Index, shard int) *hanging {
	h := &hanging{x: x, shard: shard, ends: make([]uint32, len(x.next.preds)), sigs: make([]uint32, len(x.next.sigs)+int(sigFirst))}
	h.each(func(ordinal uint32, page *page) {
		at := ordinal & (1<<pageBits - 1)
		h.ends[page.access[at]-1]++
		if page.sig[at]&(killsOwner|killsMore) == 0 {
			return
		}
		p, _ := x.kept(ordinal)
		for _, id := range p.kills {
			h.kills = append(h.kills, kill{id, ordinal})
		}
	})
	sum := uint32(0)
	for i, n := range h.ends {
		h.ends[i], sum = sum, sum+n
	}
	h.ordinals = make([]uint32, sum)
	h.each(func(ordinal uint32, page *page) {
		end := &h.ends[page.access[ordinal&(1<<pageBits-1)]-1]
		h.ordinals[*end] = ordinal
		*end++
	})
	slices.SortFunc(h.kills, compareKills)
	return h
}

// each calls visit with each ordinal of the shard that has a filter, in order.
func (h *hanging) each(visit func(ordinal uint32, page *page)) {
	owners := &h.x.next.owners.of
	for i, page := range h.x.ordinals.pages {
		first := uint32(i) << pageBits
		for at, access := range page.access {
			if ordinal := first + uint32(at); access != 0 && h.x.shard(owners.At(ordinal)) == h.shard {
				visit(ordinal, page)
			}
		}
	}
}

// hang makes what stands at each predicate.
func (h *hanging) hang() {
	from := uint32(0)
	for id, end := range h.ends {
		kills := 0
		for kills < len(h.kills) && h.kills[kills].predicate == uint32(id) {
			kills++
		}
		if from < end || kills > 0 {
			h.hangAt(uint32(id), h.ordinals[from:end], h.kills[:kills])
		}
		h.kills, from = h.kills[kills:], end
	}
}

// hangAt lets ordinals and kills stand at a predicate, beside what there is.
func (h *hanging) hangAt(id uint32, ordinals []uint32, kills []kill) {
	s := &h.x.next.shards[h.shard]
	old, l := s.node(id)
	var groups []group
	if l != nil {
		groups = slices.Clone(l.groups)
	}
	w := &s.writer
	w.reset()
	w.copyRuns(old, 0, old.runs())
	for _, k := range kills {
		w.ordinals = append(w.ordinals, k.ordinal)
	}
	w.end(sigKilled)
	h.bySignature(ordinals, func(sig uint32, ordinals []uint32) {
		w.ordinals = append(w.ordinals, ordinals...)
		w.end(sig)
	})
	s.keep(h.x.transient, id, groups)
}

// bySignature calls visit with the ordinals of each signature, in order.
func (h *hanging) bySignature(ordinals []uint32, visit func(sig uint32, ordinals []uint32)) {
	h.pairs = h.pairs[:0]
	for _, ordinal := range ordinals {
		sig := h.x.ordinals.pages[ordinal>>pageBits].sig[ordinal&(1<<pageBits-1)] >> keptBits
		h.pairs = append(h.pairs, uint64(sig)<<32|uint64(ordinal))
	}
	if len(ordinals) < len(h.sigs)/4 || len(ordinals) < 64 {
		slices.Sort(h.pairs)
	} else {
		h.distribute()
	}
	for from := 0; from < len(ordinals); {
		sig, to := uint32(h.pairs[from]>>32), from
		for to < len(ordinals) && uint32(h.pairs[to]>>32) == sig {
			ordinals[to] = uint32(h.pairs[to])
			to++
		}
		visit(sig, ordinals[from:to])
		from = to
	}
}

// distribute sorts pairs, whose ordinals are in order, by signature: it counts them and puts each where it belongs.
func (h *hanging) distribute() {
	clear(h.sigs)
	for _, p := range h.pairs {
		h.sigs[p>>32]++
	}
	sum := uint32(0)
	for i, n := range h.sigs {
		h.sigs[i], sum = sum, sum+n
	}
	unsorted := slices.Clone(h.pairs)
	for _, p := range unsorted {
		h.pairs[h.sigs[p>>32]] = p
		h.sigs[p>>32]++
	}
}
