package rules_test

import (
	"math/rand/v2"
	"testing"
)

// BenchmarkFloor is what this machine takes for what no index can do without: a read of memory that waits for the one
// before it, the copy of ids in long and in short runs, and a look into a map of a million names. Figures of the engine
// mean most as multiples of these.
func BenchmarkFloor(b *testing.B) {
	b.Run("read", floorRead)
	b.Run("copy-4096", func(b *testing.B) { floorCopy(b, 4096) })
	b.Run("copy-30", func(b *testing.B) { floorCopy(b, 30) })
	b.Run("probe", floorProbe)
}

// floorWords is far more than any cache holds: 256 MiB of words.
const floorWords = 64 << 20

var floorSum uint32 // so that nothing is optimised away

// floorRead walks through memory along a single cycle (Sattolo's way of shuffling makes one).
func floorRead(b *testing.B) {
	next := make([]uint32, floorWords)
	for i := range next {
		next[i] = uint32(i)
	}
	random := rand.New(rand.NewPCG(1, 1))
	for i := len(next) - 1; i > 0; i-- {
		j := random.IntN(i)
		next[i], next[j] = next[j], next[i]
	}
	at := uint32(0)
	b.ResetTimer()
	for range b.N {
		at = next[at]
	}
	floorSum += at
}

// floorCopy copies 84,000 ids from runs that lie anywhere.
func floorCopy(b *testing.B, run int) {
	const ids = 84_000
	from, to := make([]uint32, floorWords), make([]uint32, 0, ids+run)
	for i := range from {
		from[i] = uint32(i)
	}
	random := rand.New(rand.NewPCG(2, 2))
	n := 0
	for b.Loop() {
		for to = to[:0]; len(to) < ids; n += run {
			at := random.IntN(floorWords - run)
			to = append(to, from[at:at+run]...)
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/id")
}

func floorProbe(b *testing.B) {
	names := map[string]uint32{}
	list := make([]string, 1_000_000)
	for i := range list {
		list[i] = personName(i)
		names[list[i]] = uint32(i)
	}
	asked := make([]string, len(list))
	for i, at := range rand.New(rand.NewPCG(3, 3)).Perm(len(list)) {
		asked[i] = string([]byte(list[at]))
	}
	i := 0
	for b.Loop() {
		floorSum += names[asked[i%len(asked)]]
		i++
	}
}
