package surge

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

var start = time.Date(2026, 5, 4, 0, 0, 0, 0, time.UTC)

// A world is a Tracker, a clock, and a filter that is long known.
type world struct {
	*Tracker
	now  time.Time
	rate Rate
}

func newWorld(c Config) *world {
	return &world{New(c), start, Rate{Since: start.Add(-30 * 24 * time.Hour)}}
}

// hits has n notices come, evenly over a time, each committed, and gives how many of them were folded and the last
// state.
func (w *world) hits(n int, over time.Duration) (folded int, last State) {
	for range n {
		last = w.Hit(1, w.rate, w.now)
		if last.Surging(w.now) {
			folded++
		}
		w.Commit(w.now)
		w.now = w.now.Add(over / time.Duration(n))
	}
	return folded, last
}

// learn has a rate for some days.
func (w *world) learn(perWindow int, days int) {
	for range days * 144 {
		w.hits(perWindow, 10*time.Minute)
	}
}

// TestTenfold: ten times the usual is folded until it ends, which is said once; nine times is not.
func TestTenfold(t *testing.T) {
	w := newWorld(Config{})
	w.learn(12, 6)
	if usual := w.of[1].usual; usual < 9 || usual > 12.1 {
		t.Fatalf("learnt %.1f in ten minutes, want about 12", usual)
	}
	if folded, _ := w.hits(80, 10*time.Minute); folded > 0 {
		t.Errorf("%d of seven times the usual are folded", folded)
	}
	w.learn(12, 1)
	folded, s := w.hits(400, 10*time.Minute)
	if folded < 250 || folded > 300 || s.Began.IsZero() {
		t.Errorf("%d of 400 are folded, want all but about 120", folded)
	}
	began := s.Began
	if folded, s = w.hits(400, 10*time.Minute); folded != 400 || !s.Began.Equal(began) {
		t.Errorf("%d of the next 400 are folded, want all, in one surge", folded)
	}
	over, folds := 0, 0
	for range 40 {
		s := w.Hit(1, w.rate, w.now)
		w.Commit(w.now)
		if s.Over {
			over++
		}
		if s.Surging(w.now) {
			folds++
		}
		w.now = w.now.Add(time.Minute)
	}
	if over != 1 || folds > 20 {
		t.Errorf("the end was said %d times, %d were folded after the storm", over, folds)
	}
}

// TestRareDoNotTrip: nothing is folded below the floor, for a young filter, or where it is off.
func TestRareDoNotTrip(t *testing.T) {
	w := newWorld(Config{})
	if folded, _ := w.hits(9, time.Minute); folded > 0 {
		t.Error("nine notices are a surge")
	}
	if folded, _ := w.hits(1, time.Minute); folded != 1 {
		t.Error("ten notices of a filter that has none are no surge")
	}
	young := newWorld(Config{})
	young.rate.Since = start.Add(-23 * time.Hour)
	if folded, _ := young.hits(500, 10*time.Minute); folded > 0 {
		t.Errorf("%d of a young filter are folded", folded)
	}
	off := newWorld(Config{Off: true})
	if folded, _ := off.hits(500, 10*time.Minute); folded > 0 {
		t.Errorf("%d are folded", folded)
	}
	known := newWorld(Config{})
	known.rate.Usual = 50_000 // as another node, or the last start, has stored it
	if folded, _ := known.hits(450, 10*time.Minute); folded > 0 {
		t.Errorf("%d of nine times a stored rate are folded", folded)
	}
}

// TestHighRateBecomesUsual: a rate that stays high is a surge for hours, and not for days; and one storm does not hide
// the next one.
func TestHighRateBecomesUsual(t *testing.T) {
	w := newWorld(Config{})
	w.learn(3, 5)
	hours := 0
	for w.hits(60, 10*time.Minute); !w.of[1].over(); hours++ {
		if hours > 48 {
			t.Fatal("it is a surge for days")
		}
		for range 6 {
			w.hits(60, 10*time.Minute)
		}
	}
	if hours < 2 {
		t.Errorf("it was a surge for %d hours only", hours)
	}
	storm := newWorld(Config{})
	storm.learn(3, 5)
	storm.hits(10_000, 10*time.Minute)
	storm.learn(3, 1)
	if folded, _ := storm.hits(100, 10*time.Minute); folded == 0 {
		t.Errorf("after a storm a day ago, usual is %.1f", storm.of[1].usual)
	}
}

func (e *entry) over() bool { return e.began == 0 }

// TestRollback: what was not stored is not counted, however often it is tried.
func TestRollback(t *testing.T) {
	w := newWorld(Config{})
	for range 50 {
		for range 9 {
			if w.Hit(1, w.rate, w.now).Surging(w.now) {
				t.Fatal("what was not stored was counted")
			}
		}
		w.Rollback()
	}
	for range 20 {
		w.Hit(1, w.rate, w.now)
	}
	w.Rollback()
	if s := w.Hit(1, w.rate, w.now); s.Surging(w.now) {
		t.Error("a surge that was not stored is one")
	}
}

// TestOtherNode: what another node has found holds here, until its window is over.
func TestOtherNode(t *testing.T) {
	w := newWorld(Config{})
	w.rate.Now = State{Began: w.now.Add(-time.Minute), Folds: w.now.Add(9 * time.Minute)}
	s := w.Hit(1, w.rate, w.now)
	if !s.Folds.Equal(w.rate.Now.Folds) || !s.Surging(w.now) {
		t.Errorf("%+v", s)
	}
	w.Commit(w.now)
	w.now = w.now.Add(9 * time.Minute)
	if s := w.Hit(1, w.rate, w.now); s.Surging(w.now) || !s.Over {
		t.Errorf("after its window: %+v", s)
	}
	w.Commit(w.now)
	w.rate.Now = State{Began: w.now, Folds: w.now.Add(1000 * time.Hour)} // of a node whose clock is wrong
	if s := w.Hit(1, w.rate, w.now); s.Surging(w.now) {
		t.Errorf("a window of a thousand hours: %+v", s)
	}
}

// TestSavedRates: what is stored is what a next start would miss, and no more.
func TestSavedRates(t *testing.T) {
	w := newWorld(Config{})
	w.learn(1, 1)
	w.learn(8, 4)
	got := w.Unsaved(10)
	if got[1] < 4000 || got[1] > 8000 {
		t.Fatalf("unsaved are %v", got)
	}
	w.Saved(got)
	if got := w.Unsaved(10); len(got) > 0 {
		t.Errorf("saved twice: %v", got)
	}
	w.now = w.now.Add(30 * 24 * time.Hour)
	w.hits(1, time.Minute)
	if got := w.Unsaved(10); got[1] != 0 || len(got) != 1 {
		t.Errorf("after a month of silence unsaved are %v, want a 0", got)
	}
}

// TestBoundedAndSane: however hostile the clock and the hits, the number of filters is bounded, and a surge never holds
// for longer than a window.
func TestBoundedAndSane(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tr := New(Config{Most: 8, Least: 2, Learn: time.Nanosecond})
		now := start
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(-3600, 3600).Draw(t, "seconds")) * time.Second)
			r := Rate{Since: start.Add(-time.Hour), Usual: rapid.Int64Range(-5, 1<<40).Draw(t, "usual")}
			s := tr.Hit(rapid.Uint64Range(0, 40).Draw(t, "filter"), r, now)
			if s.Folds.Sub(now) > 10*time.Minute {
				t.Fatalf("held for %s", s.Folds.Sub(now))
			}
			if rapid.Bool().Draw(t, "commit") {
				tr.Commit(now)
			} else {
				tr.Rollback()
			}
			if tr.Len() > 8 {
				t.Fatalf("%d filters", tr.Len())
			}
		}
	})
}

func BenchmarkHit(b *testing.B) {
	tr, now := New(Config{}), start
	r := Rate{Since: start.Add(-30 * 24 * time.Hour)}
	for i := 0; b.Loop(); i++ {
		now = now.Add(time.Millisecond)
		tr.Hit(uint64(i%50_000), r, now)
		if i%100 == 0 {
			tr.Commit(now)
		}
	}
}
