package moving

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestCountIsABound: whatever comes whenever, Count is at least the exact number of the last window, at most that of
// a window and a tenth, and the same after it was stored and read.
func TestCountIsABound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		length := time.Duration(rapid.IntRange(1, 90).Draw(t, "minutes")) * time.Minute
		now := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
		w := New(length)
		var came []time.Time
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(length)/3).Draw(t, "pause")))
			came = append(came, now)
			w.Add(now, 1)
			least, most := 0, 0
			for _, at := range came {
				if now.Sub(at) < length {
					least++
				}
				if now.Sub(at) <= length+length/parts+time.Millisecond {
					most++
				}
			}
			if n := w.Count(now); n < least || n > most {
				t.Fatalf("%d are counted, want %d to %d", n, least, most)
			}
			again := Read(w.String(), length)
			if again != w {
				t.Fatalf("%+v was stored as %q and read as %+v", w, w.String(), again)
			}
		}
	})
}

// TestClockGoesBack: a step back is counted in the newest part, a large one begins anew.
func TestClockGoesBack(t *testing.T) {
	now := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	w := New(10 * time.Minute)
	w.Add(now, 3)
	w.Add(now.Add(-5*time.Minute), 2)
	if n := w.Count(now); n != 5 {
		t.Errorf("after a step back %d are counted, want 5", n)
	}
	if n := w.Count(now.Add(-time.Hour)); n != 0 {
		t.Errorf("after a large step back %d are counted, want 0", n)
	}
}

// TestReadHostile: what is broken, or of another length, is an empty window.
func TestReadHostile(t *testing.T) {
	other := New(time.Hour)
	other.Add(time.Now(), 1)
	for _, stored := range []string{"", "x", "a b c", other.String(), "zik0 -1 99999999999999", "zik0 1 -1",
		"zik0 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1"} {
		w := Read(stored, 10*time.Minute)
		if n := w.Count(time.Now()); n != 0 {
			t.Errorf("%q counts %d", stored, n)
		}
	}
}

func BenchmarkWindow(b *testing.B) {
	now := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	w := New(10 * time.Minute)
	stored := w.String()
	for b.Loop() {
		now = now.Add(time.Second)
		w := Read(stored, 10*time.Minute)
		w.Add(now, 1)
		stored = w.String()
	}
}
