package rules_test

import (
	"encoding/binary"
	"runtime"
	"slices"
	"strconv"
	"testing"

	"github.com/notifyd/notifyd/rules"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// TestShardsAgree makes the same changes in indexes of one, two and seven shards; they must find the same, and choose
// among the same owners.
func TestShardsAgree(t *testing.T) {
	dir := parseDirectory(t, worldDirectory)
	for seed := range uint64(150) {
		var data [8]byte
		binary.LittleEndian.PutUint64(data[:], seed)
		c := newChooser(data[:])
		var all []*rules.Index
		for _, shards := range []int{1, 2, 7} {
			all = append(all, rules.NewIndexOf(rulespec.Env{}, shards))
		}
		for range 6 {
			var changes []rules.Change
			for range c.below(40) {
				id := rulespec.FilterID(c.below(60))
				changes = append(changes, rules.Change{Filter: c.filter(id), Gone: c.below(4) == 0})
			}
			for _, x := range all {
				x.Apply(changes...)
			}
			e := c.event()
			want, chosen := found(all[0], e, dir), choose(all[0], e, dir)
			for _, x := range all[1:] {
				if got := found(x, e, dir); !slices.Equal(got, want) || x.Len() != all[0].Len() {
					t.Fatalf("seed %d: found %v of %d, want %v of %d", seed, got, x.Len(), want, all[0].Len())
				}
				if n := choose(x, e, dir); n != chosen {
					t.Fatalf("seed %d: %d owners, want %d", seed, n, chosen)
				}
			}
		}
	}
}

// choose gives how many owners get something.
func choose(x *rules.Index, e *catalogue.Event, dir rulespec.Directory) (owners int) {
	var r rules.Result
	x.Find(&r, e, dir)
	for range r.OnePerOwner {
		owners++
	}
	return owners
}

// BenchmarkShards is finding with one shard and with several, in turn.
func BenchmarkShards(b *testing.B) {
	eachMix(b, func(b *testing.B, w *world, m mix, n int) {
		events := w.events(1024, 2)
		for _, shards := range []int{1, 2, 8} {
			x := rules.NewIndexOf(rulespec.Env{}, shards)
			if broken, err := x.Load(w.stored(n, m)); err != nil || len(broken) > 0 {
				b.Fatal(broken, err)
			}
			var r rules.Result
			b.Run(strconv.Itoa(shards), func(b *testing.B) {
				runtime.LockOSThread()
				defer runtime.UnlockOSThread()
				at, start := 0, processor(b)
				for b.Loop() {
					x.Find(&r, events[at%len(events)], nil)
					at++
				}
				b.ReportMetric(float64(processor(b)-start)/float64(at), "ns-processor/message")
			})
		}
	})
}
