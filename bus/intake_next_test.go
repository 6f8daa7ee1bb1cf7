package bus_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
)

// count counts the frames of each source in a batch, and is done with them.
func count(batch []bus.Frame) map[string]int {
	n := map[string]int{}
	for _, f := range batch {
		n[f.Source]++
		f.Done()
	}
	return n
}

// TestAFloodDelaysOthersByOneBatch has several sources send as much as there is room for, of any size. One message of
// another source is always in the next batch, and no batch is large.
func TestAFloodDelaysOthersByOneBatch(t *testing.T) {
	for _, size := range []int{0, 1000, 30_000, 100_000, 1 << 20, bus.MaxPayload} {
		for _, floods := range []int{1, 2, 6} {
			t.Run(fmt.Sprintf("%d floods of %d bytes", floods, size), func(t *testing.T) {
				in := bus.NewIntake(bus.IntakeConfig{})
				for round := range 50 {
					for i := range floods {
						fill(in, fmt.Sprint("flood", i), size)
					}
					in.TryPut(sized("honest", 1500))
					batch, _ := in.Next(t.Context())
					bytes := 0
					for _, f := range batch {
						bytes += len(f.Payload)
					}
					n := count(batch)
					if n["honest"] != 1 {
						t.Fatalf("batch %d has %v", round, n)
					}
					if len(batch) > 256 || bytes > 1<<20+bus.MaxPayload+floods<<15 {
						t.Fatalf("a batch of %d frames and %d bytes", len(batch), bytes)
					}
				}
			})
		}
	}
}

// TestALargeMessageIsNotWaitedFor has three messages of 8 MiB wait. One of another source is a batch of its own.
func TestALargeMessageIsNotWaitedFor(t *testing.T) {
	in := bus.NewIntake(bus.IntakeConfig{})
	fill(in, "huge", bus.MaxPayload)
	for range 3 {
		in.TryPut(sized("honest", 1000))
		for _, source := range []string{"honest", "huge"} {
			if f := next(t, in); f.Source != source {
				t.Errorf("a frame of %s, want %s", f.Source, source)
			}
		}
	}
}

// TestBytesAreSharedEqually has three sources send without end messages of different sizes.
func TestBytesAreSharedEqually(t *testing.T) {
	in := bus.NewIntake(bus.IntakeConfig{})
	sizes := map[string]int{"small": 2_000, "large": 200_000, "huge": 2_000_000}
	sent := map[string]int{}
	for range 100 {
		for source, size := range sizes {
			fill(in, source, size)
		}
		batch, _ := in.Next(t.Context())
		for source, n := range count(batch) {
			sent[source] += n * (sizes[source] + 2048)
		}
	}
	for source, cost := range sent {
		if want := (sent["small"] + sent["large"] + sent["huge"]) / 3; cost < want*9/10 || cost > want*11/10 {
			t.Errorf("%s had %d of %v", source, cost, sent)
		}
	}
}

// TestAnExpensiveSourcePays has one of two sources take ten times the other's time for frames of the same size. The
// time is shared equally, and no batch takes long once that is known.
func TestAnExpensiveSourcePays(t *testing.T) {
	in := bus.NewIntake(bus.IntakeConfig{})
	var cheap, dear time.Duration
	for round := range 300 {
		fill(in, "cheap", 2_000)
		fill(in, "dear", 2_000)
		batch, _ := in.Next(t.Context())
		n := count(batch)
		in.Charge("cheap", false, time.Duration(n["cheap"])*400*time.Microsecond)
		in.Charge("dear", false, time.Duration(n["dear"])*4*time.Millisecond)
		took := time.Duration(n["cheap"])*400*time.Microsecond + time.Duration(n["dear"])*4*time.Millisecond
		if round > 0 && took > 150*time.Millisecond {
			t.Fatalf("batch %d takes %v: %v", round, took, n)
		}
		if round >= 100 {
			cheap += time.Duration(n["cheap"]) * 400 * time.Microsecond
			dear += time.Duration(n["dear"]) * 4 * time.Millisecond
		}
	}
	if ratio := dear.Seconds() / cheap.Seconds(); ratio < 0.5 || ratio > 2 {
		t.Errorf("the cheap source had %v, the other %v", cheap, dear)
	}
}

// TestDebtsHaveABound charges a source for a year, and then serves it at once, since it is alone.
func TestDebtsHaveABound(t *testing.T) {
	in := bus.NewIntake(bus.IntakeConfig{})
	for range 3 {
		in.TryPut(sized("dear", 0))
		next(t, in).Done()
		in.Charge("dear", false, 365*24*time.Hour)
	}
	in.TryPut(sized("dear", 0))
	in.TryPut(sized("honest", 0))
	batch, _ := in.Next(t.Context())
	if len(batch) == 0 || batch[0].Source != "honest" {
		t.Errorf("the batch is %d frames, want the honest one first", len(batch))
	}
	for served := len(batch); served < 2; served++ {
		next(t, in).Done()
	}
}

// TestOrderIsKept sends messages of all sizes and costs from two sources.
func TestOrderIsKept(t *testing.T) {
	in := bus.NewIntake(bus.IntakeConfig{})
	wanted := map[string]int{}
	sent := 0
	for sent < 3000 || in.Len() > 0 {
		for ; sent < 3000; sent++ {
			f := sized([]string{"a", "b"}[sent%2], (sent*7919)%100_000)
			f.Topic = fmt.Sprint(sent)
			if !in.TryPut(f) {
				break
			}
		}
		batch, _ := in.Next(t.Context())
		for _, f := range batch {
			n := 0
			fmt.Sscan(f.Topic, &n)
			if next, known := wanted[f.Source]; known && n != next {
				t.Fatalf("%s: frame %d, want %d", f.Source, n, next)
			}
			wanted[f.Source] = n + 2
			in.Charge(f.Source, false, time.Duration(n%7)*time.Millisecond)
			f.Done()
		}
	}
}
