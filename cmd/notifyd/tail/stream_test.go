package tail

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/notifyd/notifyd/bus"
)

// A world is a bus that has a message every ten milliseconds. It reaches subscribers at once, and the archive after a
// delay that is another for each.
type world struct {
	mu       sync.Mutex
	sent     []*bus.Message
	stored   []time.Time
	live     chan bus.Frame // nil before the subscription stands
	down     func(n int) bool
	fails    int // of the next questions to the archive
	duration time.Duration
}

func frame(n int, at time.Time) bus.Frame {
	payload := fmt.Appendf(nil, `{"topic":"t","msg":%d,"msg_id":"%d","timestamp":%d.%06d}`, n, n, at.Unix(),
		at.Nanosecond()/1000)
	return bus.Frame{Topic: "t", Payload: payload}
}

// say sends messages until ctx ends.
func (w *world) say(ctx context.Context) {
	for n := 0; ctx.Err() == nil; n++ {
		now := time.Now()
		f := frame(n, now)
		m, err := bus.Decode(f, now)
		if err != nil {
			panic(err)
		}
		w.mu.Lock()
		w.sent = append(w.sent, m)
		w.stored = append(w.stored, now.Add(time.Duration(n*7919%1900)*time.Millisecond))
		live := w.live
		w.mu.Unlock()
		if live != nil && !w.down(n) {
			live <- f
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// Run implements bus.Source.
func (w *world) Run(ctx context.Context, in *bus.Intake) error {
	time.Sleep(70 * time.Millisecond)
	live := make(chan bus.Frame, 1<<20)
	w.mu.Lock()
	w.live = live
	w.mu.Unlock()
	for {
		select {
		case f := <-live:
			if err := in.Put(ctx, f); err != nil {
				return nil
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// Each implements archive.Archive: it sees what is stored at its beginning, and takes its time to give it.
func (w *world) Each(ctx context.Context, since, until time.Time, wanted func(*bus.Message) bool,
	take func(*bus.Message) error) error {
	w.mu.Lock()
	var found []*bus.Message
	for n, m := range w.sent {
		if now := time.Now(); !m.Time.Before(since) && m.Time.Before(until) && !w.stored[n].After(now) {
			found = append(found, m)
		}
	}
	w.fails--
	failed := w.fails >= 0
	w.mu.Unlock()
	time.Sleep(w.duration)
	if failed {
		return errors.New("away")
	}
	for _, m := range found {
		again := *m
		if wanted(&again) {
			if err := take(&again); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// TestSinceAndThenLive has messages come exactly while the archive is read, before the subscription stands, stored late
// and while the connection is lost: each is shown once.
func TestSinceAndThenLive(t *testing.T) {
	for _, c := range []struct {
		name     string
		duration time.Duration
		down     func(n int) bool
		fails    int
	}{
		{"fast archive", time.Millisecond, func(int) bool { return false }, 0},
		{"slow archive", 5 * time.Second, func(int) bool { return false }, 0},
		{"lost connection", 100 * time.Millisecond, func(n int) bool { return n > 11_500 && n < 11_600 }, 0},
		{"archive away later", 100 * time.Millisecond, func(n int) bool { return n > 10_600 && n < 11_600 }, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &world{duration: c.duration, down: c.down}
				ctx, cancel := context.WithCancel(t.Context())
				var all sync.WaitGroup
				all.Go(func() { w.say(ctx) })
				began := time.Now()
				time.Sleep(100 * time.Second)
				var shown []string
				s := &Stream{
					Source: w, Archive: w, Since: began.Add(time.Second), Now: time.Now, Log: slog.New(slog.DiscardHandler),
					Keep: func(*bus.Message) bool { return true },
					Show: func(m *bus.Message) error { shown = append(shown, m.ID); return nil },
				}
				all.Go(func() {
					if err := s.Run(ctx); err != nil {
						t.Error(err)
					}
				})
				time.Sleep(time.Second)
				w.mu.Lock()
				w.fails = c.fails
				w.mu.Unlock()
				time.Sleep(3 * time.Minute)
				cancel()
				all.Wait()
				checkShown(t, w.sent, began.Add(time.Second), shown)
			})
		})
	}
}

// checkShown checks that each message since then was shown once, but for the very last.
func checkShown(t *testing.T, sent []*bus.Message, since time.Time, shown []string) {
	t.Helper()
	times := map[string]int{}
	for _, id := range shown {
		times[id]++
	}
	missing, twice := 0, 0
	for _, m := range sent[:len(sent)-10] {
		want := 1
		if m.Time.Before(since) {
			want = 0
		}
		switch n := times[m.ID]; {
		case n < want:
			missing++
		case n > want:
			twice++
		}
	}
	if missing > 0 || twice > 0 {
		t.Errorf("%d messages of %d are missing, %d were shown too often", missing, len(sent), twice)
	}
	first := slices.IndexFunc(sent, func(m *bus.Message) bool { return !m.Time.Before(since) })
	if shown[0] != sent[first].ID {
		t.Errorf("%s is shown first, want %s", shown[0], sent[first].ID)
	}
}

// TestSinceEnds gives up where the archive cannot be asked at first, and ends when enough are shown.
func TestSinceEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{fails: 1, down: func(int) bool { return false }}
		for n := range 3 {
			m, err := bus.Decode(frame(n, time.Now()), time.Now())
			if err != nil {
				t.Fatal(err)
			}
			w.sent, w.stored = append(w.sent, m), append(w.stored, m.Time)
		}
		began, shown := time.Now(), 0
		time.Sleep(time.Second)
		stream := func() error {
			s := &Stream{
				Source: w, Archive: w, Since: began, Now: time.Now, Log: slog.New(slog.DiscardHandler),
				Keep: func(m *bus.Message) bool { return m.ID != "1" },
				Show: func(*bus.Message) error {
					if shown++; shown == 2 {
						return ErrEnough
					}
					return nil
				},
			}
			return s.Run(t.Context())
		}
		if err := stream(); err == nil || err.Error() != "away" {
			t.Errorf("it ended with %v, want that the archive is away", err)
		}
		if err := stream(); err != nil || shown != 2 {
			t.Errorf("it ended with %v after %d messages", err, shown)
		}
	})
}
