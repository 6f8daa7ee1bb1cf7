package daemon

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/internal/exectest"
	"github.com/notifyd/notifyd/migrations/migratest"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// TestAFloodDelaysOthersByOneBatch lets thirty frames of 1 MB from one source wait, and behind them a message of
// another, which is committed with the first two at most.
func TestAFloodDelaysOthersByOneBatch(t *testing.T) {
	d := migratest.Open(t, migratest.SQLite(t))
	r, _, _, _ := aRouter(t, d, about("bash", false))
	in := bus.NewIntake(bus.IntakeConfig{})
	var flooded, before atomic.Int64
	for range 30 {
		f := bus.Frame{Source: "flood", Topic: "org.example.test.flood", Payload: make([]byte, 1_000_000)}
		f.Ack = func() { flooded.Add(1) }
		if !in.TryPut(f) {
			t.Fatal("no room")
		}
	}
	before.Store(-1)
	honest := push("m1", "bash")
	honest.Ack = func() { before.Store(flooded.Load()) }
	in.TryPut(honest)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.run(ctx, in) }()
	exectest.Eventually(t, 20*time.Second, "the message is committed", func() bool { return before.Load() >= 0 })
	if n := before.Load(); n > 2 {
		t.Errorf("%d frames of the flood came first", n)
	}
	in.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	cancel()
}

// TestWhatMessagesCostIsCharged runs a router whose clock advances with each look at it: its slowness with messages
// makes the next batch small.
func TestWhatMessagesCostIsCharged(t *testing.T) {
	d := migratest.Open(t, migratest.SQLite(t))
	r, _, _, _ := aRouter(t, d, about("bash", false))
	in := bus.NewIntake(bus.IntakeConfig{})
	for i := range 400 {
		in.TryPut(push(fmt.Sprint("m", i), "bash"))
	}
	var looks atomic.Int64
	begin := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	r.now = func() time.Time { return begin.Add(time.Duration(looks.Add(1)) * time.Millisecond) }
	r.intake = in
	var sizes []int
	for range 2 {
		batch, _ := in.Next(t.Context())
		sizes = append(sizes, len(batch))
		if err := r.persist(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
	if sizes[0] < 200 || sizes[1] > 100 {
		t.Errorf("batches of %v messages, want a small one after one whose messages took 2 ms each", sizes)
	}
}

// TestManyNamesAreCharged: a message with two thousand names is the one that the history takes its time for.
func TestManyNamesAreCharged(t *testing.T) {
	var outcomes []history.Outcome
	for range 10 {
		outcomes = append(outcomes, history.Outcome{Event: &catalogue.Event{Message: &bus.Message{}}})
	}
	outcomes[3].Event.Packages = make([]string, 2000)
	shares := historyShares(outcomes, 20*time.Millisecond)
	if shares[3] < 17*time.Millisecond || shares[4] > time.Millisecond || shares[4] == 0 {
		t.Errorf("shares of 20 ms: %v", shares)
	}
	if got := historyShares(nil, time.Second); len(got) != 0 {
		t.Errorf("shares of nothing: %v", got)
	}
}

// TestSlowMatch: a batch that takes long to look up goes in several transactions. In one it would be idle for longer
// than PostgreSQL lets it, and be tried again for ever.
func TestSlowMatch(t *testing.T) {
	d := migratest.Copy(t)
	r, _, _, _ := aRouter(t, d, about("bash", false))
	var frames []bus.Frame
	for n := range 9 {
		frames = append(frames, push(fmt.Sprint("m", n), "bash"))
	}
	events := r.describe(frames)
	if err := r.load(t.Context()); err != nil {
		t.Fatal(err)
	}
	started, calls := r.now(), time.Duration(0)
	r.now = func() time.Time {
		calls++
		return started.Add(calls * time.Second)
	}
	if n := r.match(events); n != 2 {
		t.Errorf("%d events are looked up in one transaction, a second each, want 2", n)
	}
	if left, err := r.route(t.Context(), events); err != nil || len(left) > 0 {
		t.Errorf("%d are left, %v", len(left), err)
	}
	if got := owedTo(t, d); got != "m0 m1 m2 m3 m4 m5 m6 m7 m8" {
		t.Errorf("owed are %s", got)
	}
}
