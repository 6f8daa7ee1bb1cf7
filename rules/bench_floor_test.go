package rules_test

import (
	"math/rand/v2"
	"testing"
)

// BenchmarkFloor is what this machine takes for what no index can do without: a read of memory that waits for the one
// before it, the copy of ids in long and in short runs, and a look into a map of a million names. Figures of the engine
// mean most as multiples of these.
func BenchmarkFloor(b *testing.B) {
	next := cycle(floorWords)
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
	b.Run("read", func(b *testing.B) {
		at, before := uint32(0), processorTime(b)
		for b.Loop() {
			for range 1000 {
				at = next[at]
			}
		}
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(float64(processorTime(b)-before)/float64(b.N)/1000+float64(at)*0, "ns/read")
	})
	b.Run("copy-4096", func(b *testing.B) { floorCopy(b, next, 4096) })
	b.Run("copy-30", func(b *testing.B) { floorCopy(b, next, 30) })
	b.Run("probe", func(b *testing.B) {
		sum, before := uint32(0), processorTime(b)
		for i := 0; b.Loop(); i++ {
			sum += names[asked[i%len(asked)]]
		}
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(float64(processorTime(b)-before)/float64(b.N)+float64(sum)*0, "ns/probe")
	})
}

// floorWords is far more than any cache holds: 256 MiB of words.
const floorWords = 64 << 20

// cycle gives words of which each leads to another, all of them in one circle (Sattolo's way of shuffling).
func cycle(n int) []uint32 {
	next := make([]uint32, n)
	for i := range next {
		next[i] = uint32(i)
	}
	random := rand.New(rand.NewPCG(1, 1))
	for i := n - 1; i > 0; i-- {
		j := random.IntN(i)
		next[i], next[j] = next[j], next[i]
	}
	return next
}

// floorCopy copies 84,000 ids from runs that lie anywhere.
func floorCopy(b *testing.B, from []uint32, run int) {
	const ids = 84_000
	to := make([]uint32, 0, ids+run)
	random := rand.New(rand.NewPCG(2, 2))
	n, before := 0, processorTime(b)
	for b.Loop() {
		for to = to[:0]; len(to) < ids; n += run {
			at := random.IntN(len(from) - run)
			to = append(to, from[at:at+run]...)
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(processorTime(b)-before)/float64(n), "ns/id")
}
