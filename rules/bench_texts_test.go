package rules_test

import (
	"runtime"
	"strconv"
	"syscall"
	"testing"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/rules"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// BenchmarkTexts is the cost of searches through texts alone: n of them.
func BenchmarkTexts(b *testing.B) {
	for _, n := range sizes() {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			w := newWorld(n)
			before := heap()
			x := w.index(n, mix{})
			perFilter := float64(heap()-before) / float64(n)
			benchTexts(b, x, w.events(1024))
			b.ReportMetric(perFilter, "B/filter")
		})
	}
}

// benchTexts measures finding by the processor time of the whole process: on a machine with other work, time passes
// while nothing is done.
func benchTexts(b *testing.B, x *rules.Index, events []*catalogue.Event) {
	b.Helper()
	var r rules.Result
	matches := 0
	for _, e := range events {
		x.Find(&r, e, nil)
		matches += r.Len()
	}
	runtime.GC()
	b.ReportAllocs()
	n, before := 0, processorTime(b)
	for b.Loop() {
		x.Find(&r, events[n%len(events)], nil)
		n++
	}
	b.ReportMetric(float64(processorTime(b)-before)/float64(n)/1000, "cpu-µs/op")
	b.ReportMetric(float64(matches)/float64(len(events)), "matches/op")
}

// processorTime is what the process has used so far, in nanoseconds.
func processorTime(b *testing.B) int64 {
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		b.Fatal(err)
	}
	return use.Utime.Nano() + use.Stime.Nano()
}

// BenchmarkPatterns is a package that was never seen, against n filters with patterns over package names; 800,000 have
// as many different ones as 10,000,000 filters of the default mix.
func BenchmarkPatterns(b *testing.B) {
	for _, n := range sizes() {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			w := newWorld(n)
			x := w.index(n, mix{patterns: 100})
			events := make([]*catalogue.Event, 30_000)
			for i := range events {
				name := w.packages[i%len(w.packages)] + strconv.Itoa(i)
				events[i] = &catalogue.Event{Message: &bus.Message{}, Packages: []string{name}}
			}
			var r rules.Result
			i, before := 0, processorTime(b)
			for b.Loop() {
				if i == len(events) { // names must be new
					b.StopTimer()
					i, x = 0, w.index(n, mix{patterns: 100})
					before = processorTime(b)
					b.StartTimer()
				}
				x.Find(&r, events[i], nil)
				i++
			}
			b.ReportMetric(float64(processorTime(b)-before)/float64(i)/1000, "cpu-µs/op")
			b.ReportMetric(float64(r.Len()), "last-matches")
		})
	}
}
