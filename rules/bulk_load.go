package rules

import (
	"cmp"
	"slices"
	"sync"

	"github.com/notifyd/notifyd/rules/postings"
)

// A bulkLoad is filters that have a placement and are not posted yet: all of an index that was empty. They are posted at
// once, sorted by place, so that each node is made once and whole.
type bulkLoad struct {
	posted   []uint32 // by predicate: how many filters will be posted under it
	excluded []uint32 // by predicate: how many it will exclusion
}

// count counts a place n times.
func (b *bulkLoad) count(p placement, n int) {
	b.posted = extended(b.posted, p.access)
	b.posted[p.access] += uint32(n)
	for _, id := range p.exclusions {
		b.excluded = extended(b.excluded, id)
		b.excluded[id] += uint32(n)
	}
}

// extended gives list so long that it has an item i.
func extended(list []uint32, i uint32) []uint32 {
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

// finishBulk posts all filters that have placements; none is posted yet.
func (x *Index) finishBulk() {
	x.bulk = nil
	x.flush() // what is no filter may stand at predicates
	var workers sync.WaitGroup
	for i := range x.next.shards {
		workers.Go(func() { newShardLoad(x, i).load() })
	}
	workers.Wait()
}

// A shardLoad posts the filters of a shard.
type shardLoad struct {
	x          *Index
	shard      int
	ends       []uint32    // by predicate: where its filters end in ordinals
	ordinals   []uint32    // by predicate, in order
	exclusions []exclusion // in order
	residuals  []uint32    // by residual: a count
	pairs      []uint64
	excluded   []uint32 // of one predicate
}

// A exclusion is a predicate and a filter, as an ordinal, that it exclusions.
type exclusion struct{ predicate, ordinal uint32 }

func compareExclusions(a, b exclusion) int {
	return cmp.Or(cmp.Compare(a.predicate, b.predicate), cmp.Compare(a.ordinal, b.ordinal))
}

// newHanging sorts the filters of a shard by what they be posted under: counts them, and then puts each where it belongs.
func newShardLoad(x *Index, shard int) *shardLoad {
	h := &shardLoad{x: x, shard: shard, ends: make([]uint32, len(x.next.preds)), residuals: make([]uint32, len(x.next.residuals)+int(postings.FirstResidual))}
	h.each(func(ordinal uint32, page *page) {
		at := ordinal & (1<<pageBits - 1)
		h.ends[page.access[at]-1]++
		if page.residual[at]&(excludesOwner|excludesMore) == 0 {
			return
		}
		p, _ := x.placementAt(ordinal)
		for _, id := range p.exclusions {
			h.exclusions = append(h.exclusions, exclusion{id, ordinal})
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
	slices.SortFunc(h.exclusions, compareExclusions)
	return h
}

// each calls visit with each ordinal of the shard that has a filter, in order.
func (h *shardLoad) each(visit func(ordinal uint32, page *page)) {
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

// load makes the lists of each predicate.
func (h *shardLoad) load() {
	from := uint32(0)
	for id, end := range h.ends {
		exclusions := 0
		for exclusions < len(h.exclusions) && h.exclusions[exclusions].predicate == uint32(id) {
			exclusions++
		}
		if from < end || exclusions > 0 {
			h.loadAt(uint32(id), h.ordinals[from:end], h.exclusions[:exclusions])
		}
		h.exclusions, from = h.exclusions[exclusions:], end
	}
}

// loadAt lets ordinals and exclusions stand at a predicate, beside what there is.
func (h *shardLoad) loadAt(id uint32, ordinals []uint32, exclusions []exclusion) {
	s := &h.x.next.shards[h.shard]
	s.Load(h.x.transient, id, func(add func(residual uint32, ordinals []uint32)) {
		h.excluded = h.excluded[:0]
		for _, e := range exclusions {
			h.excluded = append(h.excluded, e.ordinal)
		}
		add(postings.Excluded, h.excluded)
		h.byResidual(ordinals, add)
	})
}

// byResidual calls visit with the ordinals of each residual, in order.
func (h *shardLoad) byResidual(ordinals []uint32, visit func(residual uint32, ordinals []uint32)) {
	h.pairs = h.pairs[:0]
	for _, ordinal := range ordinals {
		residual := h.x.ordinals.pages[ordinal>>pageBits].residual[ordinal&(1<<pageBits-1)] >> placementBits
		h.pairs = append(h.pairs, uint64(residual)<<32|uint64(ordinal))
	}
	if len(ordinals) < len(h.residuals)/4 || len(ordinals) < 64 {
		slices.Sort(h.pairs)
	} else {
		h.countingSort()
	}
	for from := 0; from < len(ordinals); {
		residual, to := uint32(h.pairs[from]>>32), from
		for to < len(ordinals) && uint32(h.pairs[to]>>32) == residual {
			ordinals[to] = uint32(h.pairs[to])
			to++
		}
		visit(residual, ordinals[from:to])
		from = to
	}
}

// countingSort sorts pairs, whose ordinals are in order, by residual: it counts them and puts each where it belongs.
func (h *shardLoad) countingSort() {
	clear(h.residuals)
	for _, p := range h.pairs {
		h.residuals[p>>32]++
	}
	sum := uint32(0)
	for i, n := range h.residuals {
		h.residuals[i], sum = sum, sum+n
	}
	unsorted := slices.Clone(h.pairs)
	for _, p := range unsorted {
		h.pairs[h.residuals[p>>32]] = p
		h.residuals[p>>32]++
	}
}
