package rules_test

import (
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/notifyd/notifyd/rules"
	"github.com/notifyd/notifyd/rulespec"
)

// BenchmarkChoose is choosing one filter for each owner out of what messages have found, and giving each owner's
// filters together; a match.
func BenchmarkChoose(b *testing.B) {
	eachMix(b, func(b *testing.B, w *world, m mix, n int) {
		x := w.loaded(b, n, m)
		events := w.events(256, 2)
		matches, one := 0, new(rules.Result)
		for _, e := range events {
			x.Find(one, e, nil)
			matches += one.Len()
		}
		perMatch := func(b *testing.B, with func(*rules.Result)) {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			start := processor(b)
			for b.Loop() {
				for _, e := range events {
					x.Find(one, e, nil)
					with(one)
				}
			}
			spent := float64(processor(b)-start) / float64(b.N)
			b.ReportMetric(spent/float64(len(events)), "ns-processor/message")
			b.ReportMetric(spent/float64(matches), "ns-processor/match")
		}
		b.Run("find", func(b *testing.B) { perMatch(b, func(*rules.Result) {}) })
		b.Run("one", func(b *testing.B) {
			perMatch(b, func(r *rules.Result) {
				for range r.OnePerOwner {
				}
			})
		})
		b.Run("all", func(b *testing.B) {
			perMatch(b, func(r *rules.Result) {
				for range r.ByOwner {
				}
			})
		})
	})
}

// rusageThread asks Linux for what one thread has used.
const rusageThread = 1

// processor gives the time that this thread has had of a processor: what a clock says is worth little on a machine that
// others use too.
func processor(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(rusageThread, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkApply is changes in groups of ten while nothing else happens: what one takes of a processor, without the
// wait for it.
func BenchmarkApply(b *testing.B) {
	eachMix(b, func(b *testing.B, w *world, m mix, n int) {
		c := &changer{x: w.loaded(b, n, m), w: w, n: n}
		w.filters(20_000, m, func(f rulespec.Filter) { c.fresh = append(c.fresh, f) })
		b.Run("tens", func(b *testing.B) {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			b.ReportAllocs()
			changes, start, from := make([]rules.Change, 10), processor(b), c.done
			for b.Loop() {
				for i := range changes {
					changes[i] = c.next(i)
				}
				c.done += len(changes)
				c.x.Apply(changes...)
			}
			b.ReportMetric(float64((processor(b)-start).Microseconds())/float64(c.done-from), "µs-processor/change")
		})
	})
}
