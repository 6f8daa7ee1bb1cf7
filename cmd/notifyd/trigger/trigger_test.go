package trigger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A stage records what a Trigger does with its batches, in a bubble of synctest.
type stage struct {
	mu    sync.Mutex
	began time.Time
	runs  []string // "second: ids"
	done  []string
	busy  int
	most  int
}

func (s *stage) note(batch []Item) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ids []string
	for _, it := range batch {
		ids = append(ids, it.ID)
	}
	s.runs = append(s.runs, fmt.Sprintf("%g: %s", time.Since(s.began).Seconds(), strings.Join(ids, "+")))
}

// config makes a Config whose runs take a time and fail as fail says.
func (s *stage) config(c Config, takes time.Duration, fail func(run int) error) Config {
	s.began = time.Now()
	c.Log = slog.New(slog.DiscardHandler)
	c.Done = func(ids []string) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.done = append(s.done, ids...)
	}
	c.run = func(ctx context.Context, batch []Item) (string, error) {
		s.note(batch)
		s.mu.Lock()
		run := len(s.runs)
		s.busy++
		s.most = max(s.most, s.busy)
		s.mu.Unlock()
		defer func() { s.mu.Lock(); s.busy--; s.mu.Unlock() }()
		select {
		case <-time.After(takes):
		case <-ctx.Done():
			return "", errStopped
		}
		if fail == nil {
			return "", nil
		}
		return "", fail(run)
	}
	return c
}

// play adds messages a, b, c… at the given seconds, and stops the Trigger at the end.
func play(t *testing.T, c Config, end time.Duration, seconds ...float64) {
	t.Helper()
	trigger := New(c)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { trigger.Run(ctx); close(ended) }()
	began := time.Now()
	for i, at := range seconds {
		time.Sleep(time.Until(began.Add(time.Duration(at * float64(time.Second)))))
		if err := trigger.Add(ctx, Item{ID: string(rune('a' + i))}); err != nil {
			t.Errorf("Add: %v", err)
		}
	}
	time.Sleep(time.Until(began.Add(end)))
	cancel()
	<-ended
}

func TestBatches(t *testing.T) {
	for _, c := range []struct {
		name    string
		config  Config
		takes   time.Duration
		seconds []float64
		want    string
	}{
		{"one by one", Config{}, 2 * time.Second, []float64{1, 1, 6}, "1: a, 3: b, 6: c"},
		{"two at once", Config{Parallel: 2}, 2 * time.Second, []float64{1, 1, 1}, "1: a, 1: b, 3: c"},
		{"debounced", Config{WaitFor: 5 * time.Second}, 0, []float64{1, 3, 7, 20}, "12: a+b+c, 25: d"},
		{"at most so many", Config{WaitFor: 5 * time.Second, MaxQueue: 2}, 0, []float64{1, 2, 3}, "2: a+b, 8: c"},
		{"during a run", Config{WaitFor: time.Second}, 10 * time.Second, []float64{1, 3, 5}, "2: a, 12: b+c"},
		{"and for quiet", Config{WaitFor: 5 * time.Second}, 10 * time.Second, []float64{1, 10, 14}, "6: a, 19: b+c"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &stage{}
				play(t, s.config(c.config, c.takes, nil), time.Minute, c.seconds...)
				slices.SortStableFunc(s.runs, func(a, b string) int { // two at once have no order
					return strings.Compare(a[len(a)-1:], b[len(b)-1:])
				})
				if got := strings.Join(s.runs, ", "); got != c.want {
					t.Errorf("ran %s, want %s", got, c.want)
				}
				if len(s.done) != len(c.seconds) || s.most > max(c.config.Parallel, 1) {
					t.Errorf("done %q, %d at once", s.done, s.most)
				}
			})
		})
	}
}

func TestRetries(t *testing.T) {
	broken := errors.New("exit status 1")
	for _, c := range []struct {
		name    string
		retries int
		fails   int
		want    string
	}{
		{"mended", 3, 2, "0: a, 1: a, 3: a, 3: b"},
		{"given up", 2, 99, "0: a, 1: a, 3: a, 3: b, 4: b, 6: b"},
		{"never again", 0, 99, "0: a, 0: b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &stage{}
				fail := func(run int) error {
					if run <= c.fails {
						return broken
					}
					return nil
				}
				play(t, s.config(Config{Retries: c.retries}, 0, fail), time.Minute, 0, 0)
				if got := strings.Join(s.runs, ", "); got != c.want || len(s.done) != 2 {
					t.Errorf("ran %s, done %q; want %s", got, s.done, c.want)
				}
			})
		})
	}
}

// TestStop: a run has a moment to end, and what is not done is not said to be.
func TestStop(t *testing.T) {
	for _, c := range []struct {
		takes time.Duration
		done  string
	}{{5 * time.Second, "a"}, {time.Hour, ""}} {
		synctest.Test(t, func(t *testing.T) {
			s := &stage{}
			play(t, s.config(Config{}, c.takes, nil), time.Second, 0, 0.5)
			if got := strings.Join(s.done, " "); got != c.done || len(s.runs) != 1 || time.Since(s.began) > 11*time.Second {
				t.Errorf("done %q, ran %q, ended after %s", got, s.runs, time.Since(s.began))
			}
		})
	}
}

// TestRoom: whoever adds waits while the queue is full, by number and by bytes.
func TestRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stage{}
		trigger := New(s.config(Config{MaxQueue: 2}, time.Hour, nil))
		soon, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		for i := range 2 {
			if err := trigger.Add(soon, Item{Line: make([]byte, 1)}); err != nil {
				t.Fatal(i, err)
			}
		}
		if err := trigger.Add(soon, Item{}); err == nil {
			t.Error("a third message found room for two")
		}
		trigger = New(s.config(Config{}, time.Hour, nil))
		if err := trigger.Add(t.Context(), Item{Line: make([]byte, maxHeld)}); err != nil {
			t.Fatal(err)
		}
		again, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := trigger.Add(again, Item{Line: make([]byte, 1)}); err == nil {
			t.Error("a message found room beyond the bytes")
		}
	})
}
