package backlog_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/backlog"
	"github.com/notifyd/notifyd/bus/gaps"
)

// A ledger keeps holes as the daemon does: with a gaps.Finder that sees every message.
type ledger struct {
	mu     sync.Mutex
	gaps   *gaps.Finder
	wake   chan struct{}
	filled int64
	by     []string // the archive of each message
	filler string
	narrow []int64
	known  map[string]bool
	closed []bus.Hole
}

func newLedger(holes ...bus.Hole) *ledger {
	l := &ledger{gaps: gaps.New(10), wake: make(chan struct{}, 1), known: map[string]bool{}}
	for _, h := range holes {
		l.gaps.Add(h)
	}
	return l
}

func (l *ledger) locked(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f()
}

func (l *ledger) Wake() <-chan struct{}   { return l.wake }
func (l *ledger) Open() (open []bus.Hole) { l.locked(func() { open = l.gaps.Open() }); return open }
func (l *ledger) Filling(archive string)  { l.locked(func() { l.filler = archive }) }
func (l *ledger) Filled() (n int64)       { l.locked(func() { n = l.filled }); return n }
func (l *ledger) Narrow(_ context.Context, number, next int64, reached time.Time) error {
	l.locked(func() {
		l.narrow = append(l.narrow, next)
		l.gaps.Narrow(number, next, reached)
	})
	return nil
}
func (l *ledger) Close(_ context.Context, asked bus.Hole) (h bus.Hole, ok bool, err error) {
	l.locked(func() {
		if h, ok = l.gaps.Close(asked); ok {
			l.closed = append(l.closed, h)
		}
	})
	return h, ok, nil
}

// put takes a frame as the router does.
func (l *ledger) put(_ context.Context, f bus.Frame) error {
	defer f.Done()
	m, err := bus.Decode(f, time.Now())
	if err != nil {
		return nil
	}
	l.locked(func() {
		repeat := l.known[m.ID]
		l.known[m.ID] = true
		if !repeat && f.Late {
			l.filled++
			l.by = append(l.by, l.filler)
		}
		l.gaps.Observe(gaps.Sighting{
			Envelope: m.Envelope(), ID: m.ID, Received: time.Now(), Late: f.Late, Whole: f.Whole, Repeat: repeat,
		})
	})
	return nil
}

// An archive gives what it has of the numbers asked for, or the errors that are scripted first.
type archive struct {
	name   string
	has    []int64
	beside []int64 // what it gives unasked, as an archive does that is asked for a time
	errors []error
	asked  int
}

func (a *archive) Name() string { return a.name }
func (a *archive) Fetch(_ context.Context, h bus.Hole, page func(bus.Page) error) error {
	a.asked++
	var p bus.Page
	for _, n := range a.has {
		if n >= h.First && (n <= h.Last || h.Unbounded()) {
			p.Frames = append(p.Frames, frame(n))
			p.Next = n + 1
		}
	}
	for _, n := range a.beside {
		p.Frames = append(p.Frames, frame(n))
	}
	if len(a.errors) > 0 {
		err := a.errors[0]
		a.errors = a.errors[1:]
		if err != nil {
			return err
		}
	}
	return page(p)
}

func frame(n int64) bus.Frame {
	const topic = "org.example.test.git.receive"
	return bus.Frame{Topic: topic, Payload: fmt.Appendf(nil,
		`{"topic":%q,"msg_id":"2026-%d","seq_id":%d,"timestamp":1795262400,"msg":{}}`, topic, n, n)}
}

// run fills the holes of a ledger, until none is open or the time is over, and gives the log.
func run(t *testing.T, l *ledger, within time.Duration, archives ...bus.Archive) string {
	t.Helper()
	var log bytes.Buffer
	c := backlog.Config{}
	c.SetDefaults()
	f := &backlog.Filler{
		Source: "relay", Config: c, Archives: archives, Holes: l, Put: l.put, Now: time.Now,
		Random: func() float64 { return 1 }, Log: slog.New(slog.NewTextHandler(&log, nil)),
	}
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- f.Run(ctx) }()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	return log.String()
}

func sequenceHole(first, last int64) bus.Hole {
	h := bus.Hole{Sequence: true, First: first, Last: last, Since: time.Now(), Until: time.Now()}
	if last > 0 {
		h.Missing = last - first + 1
	}
	return h
}

func TestFillerAsksInOrder(t *testing.T) {
	away := errors.New("nobody answers")
	for _, c := range []struct {
		name           string
		last           int64 // of a hole from 4 on
		replay, common *archive
		filled         int64
		left           int64
		log            string
		asked          [2]int
	}{
		{"the first has all", 8, &archive{has: []int64{4, 5, 6, 7, 8}}, &archive{has: []int64{4}}, 5, 0, "filled 5",
			[2]int{1, 0}},
		{"the second has the rest", 8, &archive{has: []int64{4, 5}}, &archive{has: []int64{5, 6, 7, 8}}, 5, 0, "filled 5",
			[2]int{1, 1}},
		{"the first cannot be asked", 8, &archive{errors: []error{bus.ErrCannotAsk}},
			&archive{has: []int64{4, 5, 6, 7, 8}}, 5, 0, "filled 5", [2]int{1, 1}},
		{"both are away at first", 8, &archive{has: []int64{4, 5, 6, 7, 8}, errors: []error{away, away}},
			&archive{errors: []error{away, away}}, 5, 0, "will retry", [2]int{3, 2}},
		{"some are lost", 8, &archive{has: []int64{4, 6, 8}}, &archive{}, 3, 2, "2 remain missing", [2]int{3, 3}},
		{"how much is not known", 0, &archive{has: []int64{4, 5}}, &archive{has: []int64{6}}, 2, 0, "there are no more",
			[2]int{1, 0}},
		{"there is nothing", 0, &archive{}, &archive{}, 0, 0, "filled 0", [2]int{1, 0}},
		{"the second may have more later", 0, &archive{errors: []error{away, nil}},
			&archive{has: []int64{4}, errors: []error{bus.ErrTooEarly, bus.ErrTooEarly}}, 0, 0, "filled 0", [2]int{2, 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c.replay.name, c.common.name = "replay", "datagrepper"
				l := newLedger(sequenceHole(4, c.last))
				log := run(t, l, time.Hour, c.replay, c.common)
				if len(l.closed) != 1 || l.filled != c.filled || l.closed[0].Missing != c.left {
					t.Errorf("filled %d, closed %+v; want %d filled, %d missing\n%s", l.filled, l.closed, c.filled, c.left, log)
				}
				if got := [2]int{c.replay.asked, c.common.asked}; got != c.asked {
					t.Errorf("asked %v times, want %v", got, c.asked)
				}
				if !strings.Contains(log, c.log) {
					t.Errorf("the log lacks %q:\n%s", c.log, log)
				}
			})
		})
	}
}

// TestFillerGivesUp after the window, having asked again and again with growing pauses.
func TestFillerGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &archive{name: "replay"}
		for range 100_000 {
			a.errors = append(a.errors, errors.New("nobody answers"))
		}
		l := newLedger(sequenceHole(4, 8))
		log := run(t, l, 48*time.Hour, a)
		if len(l.closed) != 1 || !strings.Contains(log, "gave up: 5 messages are missing since") {
			t.Errorf("closed %+v\n%s", l.closed, log)
		}
		if a.asked < 100 || a.asked > 600 {
			t.Errorf("asked %d times in a day, want once in five minutes", a.asked)
		}
		if n := strings.Count(log, "will retry"); n != 1 {
			t.Errorf("%d lines about one failure:\n%s", n, log)
		}
	})
}

// TestFillerTakesOneHoleAtATime, and does not let one that cannot be filled now keep the others waiting.
func TestFillerTakesOneHoleAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &archive{name: "replay", has: []int64{4, 5, 9, 10}, errors: []error{errors.New("nobody answers")}}
		l := newLedger(sequenceHole(4, 5), sequenceHole(9, 10))
		run(t, l, time.Minute, a)
		if len(l.closed) != 2 || l.closed[0].First != 9 || l.closed[1].First != 4 || l.filled != 4 {
			t.Errorf("closed %+v, %d filled", l.closed, l.filled)
		}
	})
}

// TestFillerSaysHowFarItCame, so that a restart begins there, and leaves out what the source would not have received.
func TestFillerSaysHowFarItCame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger(sequenceHole(4, 0))
		run(t, l, time.Minute, &archive{name: "replay", has: []int64{4, 5, 6}})
		if len(l.narrow) != 1 || l.narrow[0] != 7 || l.closed[0].First != 7 {
			t.Errorf("narrowed to %v, closed %+v, want from 7", l.narrow, l.closed)
		}
	})
}

func TestFillerStopsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger(sequenceHole(4, 8))
		f := &backlog.Filler{
			Source: "relay", Archives: []bus.Archive{&archive{name: "replay", has: []int64{4}}}, Holes: l,
			Put: func(ctx context.Context, _ bus.Frame) error { <-ctx.Done(); return ctx.Err() },
			Now: time.Now, Random: func() float64 { return 1 }, Log: slog.New(slog.DiscardHandler),
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begin := time.Now()
		if err := f.Run(ctx); err != nil || time.Since(begin) != time.Second || len(l.closed) > 0 {
			t.Errorf("Run = %v after %s, closed %v", err, time.Since(begin), l.closed)
		}
	})
}

// TestFillerAsksAtAPace opens holes without end, as anybody can where nobody is proved: neither the archive nor the log
// gets more than so much.
func TestFillerAsksAtAPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, hole := range map[string]bus.Hole{
			"by numbers": {Sequence: true, First: 4, Last: 8, Missing: 5},
			"by time":    {Publisher: "user git a.b.c.d", First: 4, Last: 8, Missing: 5},
		} {
			l := newLedger()
			a := &archive{name: "datagrepper"}
			for range 200 {
				hole.Since, hole.Until = time.Now(), time.Now()
				l.gaps.Add(hole)
			}
			log := run(t, l, 10*time.Minute, a)
			if a.asked > 10+600/5+1 {
				t.Errorf("%s: asked %d times in ten minutes for 200 holes", name, a.asked)
			}
			if name == "by time" && a.asked > 3 {
				t.Errorf("%s: asked %d times for what one question asks for", name, a.asked)
			}
			if n := strings.Count(log, "\n"); n > 11*10+1 {
				t.Errorf("%s: %d lines", name, n)
			}
			if name == "by time" && !strings.Contains(log, "190 more holes, 950 remain missing") {
				t.Errorf("%s: the log has no sum:\n%s", name, log)
			}
		}
	})
}

// TestFillerCountsAllThatCame: what an answer holds beside the numbers of its hole is in the log as well.
func TestFillerCountsAllThatCame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &archive{name: "datagrepper", has: []int64{4, 5}, beside: []int64{9, 10, 11}}
		log := run(t, newLedger(sequenceHole(4, 6)), time.Hour, a)
		if !strings.Contains(log, "filled 2 messages") || !strings.Contains(log, "others=3\n") {
			t.Errorf("the log does not add up to five:\n%s", log)
		}
	})
}
