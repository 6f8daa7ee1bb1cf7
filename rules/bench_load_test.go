package rules_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
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

// BenchmarkLoad is n filters of a mix loaded into an empty index. Making up the filters takes time too, which is
// reported beside it: one processor is busy with it for so long, while the others compile.
func BenchmarkLoad(b *testing.B) {
	eachMix(b, func(b *testing.B, w *world, m mix, n int) {
		start := time.Now()
		for range w.stored(n, m) {
		}
		made := time.Since(start)
		runtime.GC()
		before := processorTime(b)
		for b.Loop() {
			x := rules.NewIndex(rulespec.Env{})
			if broken, err := x.Load(w.stored(n, m)); err != nil || len(broken) > 0 || x.Len() != n {
				b.Fatal(broken, err, x.Len())
			}
		}
		reportProcessor(b, before)
		b.ReportMetric(made.Seconds(), "s-making")
	})
}

// BenchmarkSnapshotWrite is a snapshot of n filters of a mix written to nowhere.
func BenchmarkSnapshotWrite(b *testing.B) {
	eachMix(b, func(b *testing.B, w *world, m mix, n int) {
		x := w.loaded(b, n, m)
		var size counter
		before := processorTime(b)
		for b.Loop() {
			size = 0
			if err := x.WriteSnapshot(&size, "key"); err != nil {
				b.Fatal(err)
			}
		}
		reportProcessor(b, before)
		b.ReportMetric(float64(size)/float64(n), "B/filter")
	})
}

// A counter counts bytes.
type counter int

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

func (w *world) loaded(b *testing.B, n int, m mix) *rules.Index {
	x := rules.NewIndex(rulespec.Env{})
	if _, err := x.Load(w.stored(n, m)); err != nil {
		b.Fatal(err)
	}
	return x
}

// BenchmarkSnapshotRead is n filters of a mix read from a file that the system has in memory.
func BenchmarkSnapshotRead(b *testing.B) {
	eachMix(b, func(b *testing.B, w *world, m mix, n int) {
		path := filepath.Join(b.TempDir(), "snapshot")
		if err := saveSnapshot(path, w.loaded(b, n, m)); err != nil {
			b.Fatal(err)
		}
		runtime.GC()
		debug.FreeOSMemory()
		before := processorTime(b)
		for b.Loop() {
			if x, err := openSnapshot(path); err != nil || x.Len() != n {
				b.Fatal(err)
			}
		}
		reportProcessor(b, before)
	})
}

// reportProcessor reports the time of all processors since before: on a machine that others use too, the clock tells of
// them.
func reportProcessor(b *testing.B, before int64) {
	b.ReportMetric(float64(processorTime(b)-before)/1e9/float64(b.N), "cpu-s/op")
}

// saveSnapshot puts the snapshot of an index on the disk, as a daemon does.
func saveSnapshot(path string, x *rules.Index) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(x.WriteSnapshot(f, "key"), f.Sync(), f.Close())
}

func openSnapshot(path string) (*rules.Index, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return rules.ReadSnapshot(rulespec.Env{}, f, "key")
}
