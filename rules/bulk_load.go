package rules

import (
	"cmp"
	"slices"
	"sync"

	"github.com/notifyd/notifyd/rules/postings"
)

// A bulkLoad counts filters that have a placement and are not posted yet: all filters of an index that was empty. They
// are posted at the end, sorted by access predicate, so that the lists of each predicate are made once and whole.
type bulkLoad struct {
	posted   []uint32 // by predicate: how many filters will be posted under it
	excluded []uint32 // by predicate: how many filters it will exclude
}

// count counts a placement n times.
func (b *bulkLoad) count(p placement, n int) {
	b.posted = extended(b.posted, p.access)
	b.posted[p.access] += uint32(n)
	for _, id := range p.exclusions {
		b.excluded = extended(b.excluded, id)
		b.excluded[id] += uint32(n)
	}
}

// extended gives list, made so long that it has an item i.
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
	x.flush() // parents of terms
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
	ends       []uint32    // by predicate: where its ordinals end
	ordinals   []uint32    // of the filters, sorted by access predicate
	exclusions []exclusion // sorted

	// What follows is room for one predicate.
	pairs     []uint64 // residual and ordinal
	residuals []uint32 // by residual: a count
	excluded  []uint32
}

// An exclusion is a predicate and the ordinal of a filter that it excludes.
type exclusion struct{ predicate, ordinal uint32 }

func compareExclusions(a, b exclusion) int {
	return cmp.Or(cmp.Compare(a.predicate, b.predicate), cmp.Compare(a.ordinal, b.ordinal))
}

// newShardLoad sorts the filters of a shard by access predicate (a counting sort), and the exclusions.
func newShardLoad(x *Index, shard int) *shardLoad {
	l := &shardLoad{
		x: x, shard: shard, ends: make([]uint32, len(x.next.preds)),
		residuals: make([]uint32, len(x.next.residuals)+int(postings.FirstResidual)),
	}
	l.each(func(ordinal uint32, page *page) {
		at := ordinal & (1<<pageBits - 1)
		l.ends[page.access[at]-1]++
		if page.residual[at]&(excludesOwner|excludesMore) == 0 {
			return
		}
		p, _ := x.placementAt(ordinal)
		for _, id := range p.exclusions {
			l.exclusions = append(l.exclusions, exclusion{id, ordinal})
		}
	})
	sum := uint32(0)
	for i, n := range l.ends {
		l.ends[i], sum = sum, sum+n
	}
	l.ordinals = make([]uint32, sum)
	l.each(func(ordinal uint32, page *page) {
		end := &l.ends[page.access[ordinal&(1<<pageBits-1)]-1]
		l.ordinals[*end] = ordinal
		*end++
	})
	slices.SortFunc(l.exclusions, compareExclusions)
	return l
}

// each calls visit with each ordinal of the shard that has a filter, in order.
func (l *shardLoad) each(visit func(ordinal uint32, page *page)) {
	owners := &l.x.next.owners.of
	for i, page := range l.x.ordinals.pages {
		first := uint32(i) << pageBits
		for at, access := range page.access {
			if ordinal := first + uint32(at); access != 0 && l.x.shard(owners.At(ordinal)) == l.shard {
				visit(ordinal, page)
			}
		}
	}
}

// load makes the lists of each predicate.
func (l *shardLoad) load() {
	from := uint32(0)
	for id, end := range l.ends {
		exclusions := 0
		for exclusions < len(l.exclusions) && l.exclusions[exclusions].predicate == uint32(id) {
			exclusions++
		}
		if from < end || exclusions > 0 {
			l.loadAt(uint32(id), l.ordinals[from:end], l.exclusions[:exclusions])
		}
		l.exclusions, from = l.exclusions[exclusions:], end
	}
}

// loadAt posts ordinals under a predicate, and exclusions.
func (l *shardLoad) loadAt(id uint32, ordinals []uint32, exclusions []exclusion) {
	s := &l.x.next.shards[l.shard]
	s.Load(l.x.transient, id, func(add func(residual uint32, ordinals []uint32)) {
		l.excluded = l.excluded[:0]
		for _, e := range exclusions {
			l.excluded = append(l.excluded, e.ordinal)
		}
		add(postings.Excluded, l.excluded)
		l.byResidual(ordinals, add)
	})
}

// byResidual calls visit with the ordinals of each residual, in order.
func (l *shardLoad) byResidual(ordinals []uint32, visit func(residual uint32, ordinals []uint32)) {
	l.pairs = l.pairs[:0]
	for _, ordinal := range ordinals {
		residual := l.x.ordinals.pages[ordinal>>pageBits].residual[ordinal&(1<<pageBits-1)] >> placementBits
		l.pairs = append(l.pairs, uint64(residual)<<32|uint64(ordinal))
	}
	if len(ordinals) < len(l.residuals)/4 || len(ordinals) < 64 {
		slices.Sort(l.pairs)
	} else {
		l.countingSort()
	}
	for from := 0; from < len(ordinals); {
		residual, to := uint32(l.pairs[from]>>32), from
		for to < len(ordinals) && uint32(l.pairs[to]>>32) == residual {
			ordinals[to] = uint32(l.pairs[to])
			to++
		}
		visit(residual, ordinals[from:to])
		from = to
	}
}

// countingSort sorts pairs, whose ordinals are in order, by residual.
func (l *shardLoad) countingSort() {
	clear(l.residuals)
	for _, p := range l.pairs {
		l.residuals[p>>32]++
	}
	sum := uint32(0)
	for i, n := range l.residuals {
		l.residuals[i], sum = sum, sum+n
	}
	unsorted := slices.Clone(l.pairs)
	for _, p := range unsorted {
		l.pairs[l.residuals[p>>32]] = p
		l.residuals[p>>32]++
	}
}
