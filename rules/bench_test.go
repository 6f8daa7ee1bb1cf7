package rules_test

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/notifyd/notifyd/rules"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
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

// BenchmarkEngine loads n filters of a mix, once, and measures what that took, finding, choosing one filter for each
// owner, messages a second on all processors, and changes while others match.
func BenchmarkEngine(b *testing.B) {
	eachMix(b, func(b *testing.B, w *world, m mix, n int) {
		x := benchLoaded(b, w, m, n)
		warm(x, w.events(2048, 1))
		events := w.events(4096, 2)
		b.Run("find", func(b *testing.B) { benchFind(b, x, events) })
		b.Run("choice", func(b *testing.B) { benchChoice(b, x, events) })
		b.Run("throughput", func(b *testing.B) { benchThroughput(b, x, events) })
		b.Run("snapshot", func(b *testing.B) { benchSnapshot(b, x, n) })
		for _, matchers := range []int{1, runtime.GOMAXPROCS(0)} {
			b.Run(fmt.Sprint("change-", matchers), func(b *testing.B) { benchChanges(b, x, w, m, n, events, matchers) })
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

// benchLoaded loads an index and tells what it takes: heap and resident memory a filter, without what the world takes;
// seconds, of which some go into making filters up on one of the processors.
func benchLoaded(b *testing.B, w *world, m mix, n int) *rules.Index {
	expressions := w.expressions(n, m)
	used, some := processorTime(b), min(n, 200_000)
	for range w.stored(some, m) {
	}
	making := float64(processorTime(b)-used) / 1e9 / float64(some) * float64(n)
	heapBefore, residentBefore := heap(), resident(b)
	used = processorTime(b)
	start := time.Now()
	x := rules.NewIndex(rulespec.Env{})
	if broken, err := x.Load(w.stored(n, m)); err != nil || len(broken) > 0 || x.Len() != n {
		b.Fatal(broken, err, x.Len())
	}
	took := time.Since(start).Seconds()
	used = processorTime(b) - used
	heapUsed := float64(heap() - heapBefore)
	peak := statusKB(b, "VmHWM:") * 1024
	residentUsed := float64(resident(b)) - float64(residentBefore)
	b.Run("memory", func(b *testing.B) {
		for b.Loop() {
		}
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(heapUsed/float64(n), "B/filter")
		b.ReportMetric((heapUsed-400*expressions)/float64(n), "B/filter-net") // the expressions' 400 bytes each taken off
		b.ReportMetric(residentUsed/1e6, "MB-resident")
		b.ReportMetric(peak/1e6, "MB-peak")
		b.ReportMetric(expressions, "expressions")
		b.ReportMetric(took, "s-load")
		b.ReportMetric(float64(used)/1e9, "cpu-s-load")
		b.ReportMetric(making, "s-making")
	})
	runtime.KeepAlive(x)
	return x
}

// expressions gives how many different ones over texts n filters of a mix have.
func (w *world) expressions(n int, m mix) float64 {
	seen := map[string]bool{}
	if m.exact+m.personal+m.broad+m.patterns < 100 {
		w.filters(n, m, func(f rulespec.Filter) {
			if f.Rules[0].Kind == "regex" {
				seen[f.Rules[0].Args["pattern"][0]] = true
			}
		})
	}
	return float64(len(seen))
}

// benchSnapshot writes an index to a file and reads it back, when the system has the file in memory.
func benchSnapshot(b *testing.B, x *rules.Index, n int) {
	path := filepath.Join(b.TempDir(), "snapshot")
	write := time.Now()
	if err := saveSnapshot(path, x); err != nil {
		b.Fatal(err)
	}
	written, before := time.Since(write).Seconds(), processorTime(b)
	for b.Loop() {
		if read, err := openSnapshot(path); err != nil || read.Len() != n {
			b.Fatal(err)
		}
	}
	b.ReportMetric(written, "s-write")
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s-read")
	b.ReportMetric(float64(processorTime(b)-before)/1e9/float64(b.N), "cpu-s-read")
	b.ReportMetric(0, "ns/op")
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// resident gives the bytes of the process that are in memory, after all that can be given back has been.
func resident(b *testing.B) uint64 {
	b.Helper()
	debug.FreeOSMemory()
	return uint64(statusKB(b, "VmRSS:")) * 1024
}

func statusKB(b *testing.B, field string) float64 {
	b.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Skip("needs /proc")
	}
	_, rest, _ := bytes.Cut(status, []byte(field))
	value, err := strconv.ParseFloat(string(bytes.Fields(rest)[0]), 64)
	if err != nil {
		b.Fatal(err)
	}
	return value
}

// warm lets an index see messages, so that the names that occur and the expressions in use are known to it.
func warm(x *rules.Index, events []*catalogue.Event) {
	var r rules.Result
	for _, e := range events {
		x.Find(&r, e, nil)
	}
	runtime.GC()
}

// benchFind measures finding, by reference, on one processor.
func benchFind(b *testing.B, x *rules.Index, events []*catalogue.Event) {
	b.ReportAllocs()
	var r rules.Result
	n, used := 0, processorTime(b)
	for b.Loop() {
		x.Find(&r, events[n%len(events)], nil)
		n++
	}
	used = processorTime(b) - used
	b.ReportMetric(float64(used)/1000/float64(n), "cpu-µs/op")
	matches := 0
	some := events[:min(256, len(events))]
	for _, e := range some {
		x.Find(&r, e, nil)
		matches += r.Len()
	}
	b.ReportMetric(float64(matches)/float64(len(some)), "matches/op")
}

// benchChoice measures choosing one filter for each owner, without the finding before it.
func benchChoice(b *testing.B, x *rules.Index, events []*catalogue.Event) {
	var r rules.Result
	spent := int64(0)
	matches, chosen, n := 0, 0, 0
	for b.Loop() {
		x.Find(&r, events[n%len(events)], nil)
		start := processorTime(b)
		for range r.OnePerOwner {
			chosen++
		}
		spent += processorTime(b) - start
		matches += r.Len()
		n++
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(spent)/float64(max(1, matches)), "ns/match")
	b.ReportMetric(float64(chosen)/float64(n), "owners/op")
}

// benchThroughput is messages a second on all processors, and what that would be if nobody else used these.
func benchThroughput(b *testing.B, x *rules.Index, events []*catalogue.Event) {
	var at atomic.Int64
	before := processorTime(b)
	b.RunParallel(func(loop *testing.PB) {
		var r rules.Result
		for loop.Next() {
			x.Find(&r, events[at.Add(1)%int64(len(events))], nil)
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
	// Seconds, if no other process had used the processors.
	alone := float64(processorTime(b)-before) / 1e9 / float64(runtime.GOMAXPROCS(0))
	b.ReportMetric(float64(b.N)/alone, "messages/s-alone")
}

// BenchmarkLoop is n filters of the default mix asked in turn, and the index beside it, in one run.
func BenchmarkLoop(b *testing.B) {
	for _, n := range sizes() {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			w, m := newWorld(n), mixes[2].mix
			x := w.index(n, m)
			plain := make(loop, 0, n)
			w.filters(n, m, func(f rulespec.Filter) { plain = append(plain, newLooped(f)) })
			warm(x, w.events(2048, 1))
			events := w.events(1024, 2)
			b.Run("ratio", func(b *testing.B) { benchAgainst(b, x, plain, events) })
		})
	}
}

// benchAgainst gives the loop a message, and the index fifty, in turn. It counts processor time, as does all that
// compares: on a machine with other work the clock tells of that.
func benchAgainst(b *testing.B, x *rules.Index, plain loop, events []*catalogue.Event) {
	var r rules.Result
	looped, found, loops, finds := int64(0), int64(0), 0, 0
	for b.Loop() {
		s := &rulespec.Subject{Event: events[rand.IntN(len(events))]}
		start := processorTime(b)
		for i := range plain {
			plain[i].match(s)
		}
		between := processorTime(b)
		for range 50 {
			x.Find(&r, events[finds%len(events)], nil)
			finds++
		}
		looped += between - start
		found += processorTime(b) - between
		loops++
	}
	each, one := float64(looped)/float64(loops), float64(found)/float64(finds)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(each/1e6, "ms-loop")
	b.ReportMetric(one/1e3, "µs-index")
	b.ReportMetric(one/each, "ratio")
}

// BenchmarkExact asks indexes of exact rules, one of each of sizes, in turn: what more filters cost, in one run.
func BenchmarkExact(b *testing.B) {
	type one struct {
		x      *rules.Index
		events []*catalogue.Event
	}
	var all []one
	for _, n := range sizes() {
		w := newWorld(n)
		all = append(all, one{w.index(n, mixes[0].mix), w.events(4096, 2)})
		warm(all[len(all)-1].x, w.events(512, 1))
	}
	b.Run("ratio", func(b *testing.B) {
		var r rules.Result
		took := make([][]float64, len(all))
		for i := 0; b.Loop(); i++ {
			for j, in := range all {
				start := processorTime(b)
				for k := range 256 {
					in.x.Find(&r, in.events[(i*256+k)%len(in.events)], nil)
				}
				took[j] = append(took[j], float64(processorTime(b)-start)/1e3/256)
			}
		}
		b.ReportMetric(0, "ns/op")
		for j, n := range sizes() {
			b.ReportMetric(middle(took[j]), "µs-"+strconv.Itoa(n))
		}
		b.ReportMetric(middle(took[len(took)-1])/middle(took[0]), "ratio")
	})
}

func middle(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
