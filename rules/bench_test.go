package rules_test

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/notifyd/notifyd/rules"
	"github.com/notifyd/notifyd/rulespec"
)

// sizes are the numbers of filters to measure with: NOTIFYD_FILTERS, or few, so that all tests stay quick.
func sizes() []int {
	var list []int
	for _, s := range strings.Split(os.Getenv("NOTIFYD_FILTERS"), ",") {
		if n, err := strconv.Atoi(s); err == nil {
			list = append(list, n)
		}
	}
	if list == nil {
		return []int{1_000, 10_000}
	}
	return list
}

// BenchmarkFind is one message against n filters of a mix, with the result by reference; and beside it the heap that the
// index takes, and how long it took to build.
func BenchmarkFind(b *testing.B) {
	eachMix(b, func(b *testing.B, w *world, m mix, n int) {
		before, start := heap(), time.Now()
		x := w.index(n, m)
		built := time.Since(start)
		perFilter := float64(heap()-before) / float64(n)
		benchFind(b, x, w.events(4096))
		b.ReportMetric(perFilter, "B/filter")
		b.ReportMetric(built.Seconds(), "s-build")
	})
}

// BenchmarkLoop is the same with every filter asked in turn.
func BenchmarkLoop(b *testing.B) {
	eachMix(b, func(b *testing.B, w *world, m mix, n int) {
		plain := make(loop, 0, n)
		w.filters(n, m, func(f rulespec.Filter) { plain = append(plain, newLooped(f)) })
		events := w.events(256)
		runtime.GC()
		for i := 0; b.Loop(); i++ {
			s := &rulespec.Subject{Event: events[i%len(events)]}
			for j := range plain {
				plain[j].match(s)
			}
		}
	})
}

func eachMix(b *testing.B, with func(*testing.B, *world, mix, int)) {
	for _, m := range mixes {
		for _, n := range sizes() {
			b.Run(m.name+"/"+strconv.Itoa(n), func(b *testing.B) { with(b, newWorld(n), m.mix, n) })
		}
	}
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkThroughput is messages of the default mix on all processors at once.
func BenchmarkThroughput(b *testing.B) {
	for _, n := range sizes() {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			w := newWorld(n)
			x := w.index(n, mixes[2].mix)
			events := w.events(4096)
			var at atomic.Int64
			b.ResetTimer()
			b.RunParallel(func(loop *testing.PB) {
				var r rules.Result
				for loop.Next() {
					x.Find(&r, events[at.Add(1)%int64(len(events))], nil)
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
		})
	}
}
