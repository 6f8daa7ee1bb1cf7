package rules_test

import (
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/notifyd/notifyd/rules"
	"github.com/notifyd/notifyd/rulespec"
)

// stored gives n filters of a mix as a store does, none of which is kept.
func (w *world) stored(n int, m mix) func(func(rulespec.Filter, error) bool) {
	return func(yield func(rulespec.Filter, error) bool) {
		random := rand.New(rand.NewPCG(21, uint64(n)))
		for i := range n {
			if !yield(w.filter(random, i, m), nil) {
				return
			}
		}
	}
}

// BenchmarkLoad is n filters of a mix loaded into an empty index. Making up the filters takes time too, which is told
// beside it: one processor is busy with it for so long, while the others compile.
func BenchmarkLoad(b *testing.B) {
	eachMix(b, func(b *testing.B, w *world, m mix, n int) {
		start := time.Now()
		for range w.stored(n, m) {
		}
		made := time.Since(start)
		runtime.GC()
		for b.Loop() {
			x := rules.NewIndex(rulespec.Env{})
			if broken, err := x.Load(w.stored(n, m)); err != nil || len(broken) > 0 || x.Len() != n {
				b.Fatal(broken, err, x.Len())
			}
		}
		b.ReportMetric(made.Seconds(), "s-making")
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/filter")
	})
}
