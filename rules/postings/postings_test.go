package postings

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/notifyd/notifyd/rules/vector"
)

// A place is a list: a predicate and a residual.
type place struct{ predicate, residual uint32 }

// A model is what two shards must have: sets of ordinals.
type model [2]map[place]map[uint32]bool

func newModel() model { return model{{}, {}} }

func (m model) put(shard int, p place, ordinal uint32, removes bool) {
	if m[shard][p] == nil {
		m[shard][p] = map[uint32]bool{}
	}
	if m[shard][p][ordinal] = true; removes {
		delete(m[shard][p], ordinal)
	}
}

// lists gives the lists of a shard that are not empty, in order.
func (m model) lists(shard int) map[place][]uint32 {
	all := map[place][]uint32{}
	for p, ordinals := range m[shard] {
		if len(ordinals) > 0 {
			all[p] = slices.Sorted(maps.Keys(ordinals))
		}
	}
	return all
}

// read gives the same of a Shard, and checks what must hold of it.
func read(t *testing.T, s *Shard, predicates uint32) map[place][]uint32 {
	t.Helper()
	all := map[place][]uint32{}
	for id := range predicates {
		n := 0
		s.Each(id, func(residual uint32, ordinals []uint32) {
			p := place{id, residual}
			all[p] = append(all[p], ordinals...)
			if n += len(ordinals); len(ordinals) == 0 || len(ordinals) > BlockSize {
				t.Fatalf("a piece of %d ordinals", len(ordinals))
			}
		})
		if (s.Ref(id) == 0) != (n == 0) {
			t.Fatalf("predicate %d has %d postings and ref %x", id, n, s.Ref(id))
		}
	}
	for p, ordinals := range all {
		if !slices.IsSorted(ordinals) || s.Count(p.predicate, p.residual) != len(ordinals) {
			t.Fatalf("%v: %d ordinals, Count says %d", p, len(ordinals), s.Count(p.predicate, p.residual))
		}
		checkSingle(t, s, p)
	}
	return all
}

// checkSingle finds a list by searching, and wants what says that all are single to be right: odd residuals are.
func checkSingle(t *testing.T, s *Shard, p place) {
	t.Helper()
	lists, large := s.Read(s.Ref(p.predicate))
	i, found := lists.Search(p.residual)
	if found && (lists.Residual(i) != p.residual || lists.Single() && p.residual >= FirstResidual && p.residual%2 == 0) {
		t.Fatalf("%v is in %v", p, lists[:1+2*lists.Len()])
	}
	if large == nil {
		if !found {
			t.Fatalf("%v is not found", p)
		}
		return
	}
	j, foundLarge := large.Search(p.residual)
	if found == foundLarge || foundLarge && large.Single && p.residual >= FirstResidual && p.residual%2 == 0 {
		t.Fatalf("%v is found %v and %v, single %v", p, found, foundLarge, large.Single)
	}
	if foundLarge && len(large.Blocks(j)) == 0 {
		t.Fatalf("%v has no blocks", p)
	}
}

// terms says that odd residuals are single terms.
func terms() []uint32 {
	list := make([]uint32, 1000)
	for i := range list {
		list[i] = uint32(i % 2 * 7)
	}
	return list
}

const predicates = 8

// A version is a copy of shards, and what it must have for ever.
type version struct {
	shards []Shard
	want   [2]map[place][]uint32
}

func (v *version) check(t *testing.T, name string) {
	t.Helper()
	for i := range v.shards {
		if got := read(t, &v.shards[i], predicates); !maps.EqualFunc(got, v.want[i], slices.Equal) {
			t.Fatalf("%s: shard %d has %d lists, want %d", name, i, len(got), len(v.want[i]))
		}
	}
}

// play makes rounds of changes, of which next draws the numbers, and checks the version behind each twice: at once, and
// when all changes are made.
func play(t *testing.T, rounds, changes int, next func(below int) uint32) {
	shards, q, m := make([]Shard, 2), NewQueue(2), newModel()
	for i := range shards {
		shards[i].SetTerms(terms())
	}
	var versions []version
	for round := range rounds {
		for range changes {
			shard, p, first, span := int(next(2)), place{next(predicates), next(5) * next(5)}, next(30), uint32(3)
			if next(8) == 0 { // few lists, which become long
				p, first, span = place{p.predicate % 2, p.residual % 4}, first*500, 500
			}
			removes := next(rounds/2) < uint32(round)
			for ordinal := first; ordinal < first+span; ordinal++ {
				if removes {
					q.Remove(shard, p.predicate, p.residual, ordinal)
				} else {
					q.Post(shard, p.predicate, p.residual, ordinal)
				}
				m.put(shard, p, ordinal, removes)
			}
		}
		q.Flush(new(vector.Transient), shards)
		v := version{slices.Clone(shards), [2]map[place][]uint32{m.lists(0), m.lists(1)}}
		v.check(t, fmt.Sprint("round ", round))
		versions = append(versions, v)
	}
	for i := range versions {
		versions[i].check(t, fmt.Sprint("version ", i))
	}
}

// TestShards makes lists at random, long ones and short ones, and removes them again.
func TestShards(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	play(t, 14, 1500, func(below int) uint32 { return random.Uint32N(uint32(below)) })
}

// post posts ordinals, or removes them, and flushes.
func post(shards []Shard, removes bool, p place, from, to uint32) {
	q := NewQueue(len(shards))
	for ordinal := from; ordinal < to; ordinal++ {
		if removes {
			q.Remove(0, p.predicate, p.residual, ordinal)
		} else {
			q.Post(0, p.predicate, p.residual, ordinal)
		}
	}
	q.Flush(new(vector.Transient), shards)
}

func newShard() []Shard {
	shards := make([]Shard, 1)
	shards[0].SetTerms(terms())
	return shards
}

// TestShrink makes a predicate large, then small again with lists between others, then empty, twice.
func TestShrink(t *testing.T) {
	shards := newShard()
	long, short := place{3, FirstResidual + 4}, place{3, FirstResidual + 9}
	for round := range 2 {
		post(shards, false, long, 0, 10_000)
		post(shards, false, short, 5, 8)
		post(shards, false, place{4, Excluded}, 0, 2000)
		post(shards, false, place{5, Excluded}, 0, uint32(2000*round)) // it may take the number of another
		if _, large := shards[0].Read(shards[0].Ref(3)); large == nil || shards[0].Blocks(3) != 2 {
			t.Fatalf("%d blocks", shards[0].Blocks(3))
		}
		post(shards, true, long, 100, 10_000)
		want := map[place][]uint32{long: nil, short: {5, 6, 7}}
		for i := range uint32(100) {
			want[long] = append(want[long], i)
		}
		post(shards, true, place{4, Excluded}, 0, 2000)
		post(shards, true, place{5, Excluded}, 0, 2000)
		if got := read(t, &shards[0], 6); !maps.EqualFunc(got, want, slices.Equal) {
			t.Fatalf("small again: %v", got)
		}
		if _, large := shards[0].Read(shards[0].Ref(3)); large != nil || shards[0].Blocks(3) != 0 {
			t.Error("100 ordinals are large")
		}
		post(shards, true, long, 0, 100)
		post(shards, true, short, 0, 100)
		if got := read(t, &shards[0], 6); len(got) > 0 {
			t.Fatalf("empty: %v", got)
		}
	}
}

// TestClean changes some of many predicates again and again: the arena must not keep all that was written.
func TestClean(t *testing.T) {
	shards, want := newShard(), map[place][]uint32{}
	const many = 600
	for id := range uint32(many) {
		post(shards, false, place{id, FirstResidual}, 0, 200)
		for i := range uint32(200) {
			want[place{id, FirstResidual}] = append(want[place{id, FirstResidual}], i)
		}
	}
	for round := range uint32(5) {
		for id := round % 2; id < many; id += 7 {
			p := place{id, FirstResidual}
			if want[p][len(want[p])-1] != 200+round {
				want[p] = append(want[p], 200+round)
			}
			post(shards, false, p, 200+round, 201+round)
		}
		if a := shards[0].words; a.dead > a.words/4+3<<chunkBits || a.words > 2*many*210 {
			t.Fatalf("round %d: %d words, %d of them dead", round, a.words, a.dead)
		}
	}
	if got := read(t, &shards[0], many); !maps.EqualFunc(got, want, slices.Equal) {
		t.Error("something is lost")
	}
}

// TestLoad loads lists beside what there is.
func TestLoad(t *testing.T) {
	for _, n := range []uint32{3, 300, 30_000} {
		shards := newShard()
		post(shards, false, place{1, Parents}, 7, 8)
		want := map[place][]uint32{{1, Parents}: {7}}
		shards[0].Load(new(vector.Transient), 1, func(add func(uint32, []uint32)) {
			for residual := Excluded; residual < FirstResidual+3; residual++ {
				var ordinals []uint32
				for i := range n {
					ordinals = append(ordinals, i*residual)
				}
				want[place{1, residual}] = ordinals
				add(residual, ordinals)
			}
		})
		if got := read(t, &shards[0], 2); !maps.EqualFunc(got, want, slices.Equal) {
			t.Errorf("of %d: %d lists, want %d", n, len(got), len(want))
		}
		if blocks := shards[0].Blocks(1); blocks != int(4*n)/BlockSize {
			t.Errorf("of %d: %d blocks", n, blocks)
		}
	}
}

func FuzzShards(f *testing.F) {
	f.Add([]byte("posted and removed"))
	f.Add([]byte("\x00\x00\x00\xff\x01\x02\x03\x04\x05\x06\x07\x08"))
	f.Fuzz(func(t *testing.T, data []byte) {
		at, random := 0, rand.New(rand.NewPCG(uint64(len(data)), 1))
		play(t, 4, 300, func(below int) uint32 {
			if at == len(data) {
				return random.Uint32N(uint32(below))
			}
			at++
			return uint32(data[at-1]) % uint32(below)
		})
	})
}
