package bus_test

import (
	"testing"

	"github.com/notifyd/notifyd/bus"
)

// TestForget: what a source that has gone has handed over is given out, and then nothing is left of it.
func TestForget(t *testing.T) {
	in := bus.NewIntake(bus.IntakeConfig{Batch: 1})
	for _, source := range []string{"a", "gone", "b"} {
		if !in.TryPut(sized(source, 10)) {
			t.Fatal("no room")
		}
	}
	in.Forget("gone")
	in.Forget("never there")
	if n := in.Queues(); n != 3 {
		t.Fatalf("%d queues while frames wait, want 3", n)
	}
	for _, want := range []string{"a", "gone", "b"} {
		f := next(t, in)
		if f.Source != want {
			t.Errorf("a frame of %s, want one of %s", f.Source, want)
		}
		f.Done()
	}
	if n := in.Queues(); n != 2 {
		t.Errorf("%d queues, want those of a and b", n)
	}
	in.Charge("gone", false, 1e9)
	if n := in.Queues(); n != 2 {
		t.Errorf("a charge made a queue: %d", n)
	}
	if !in.TryPut(sized("gone", 10)) {
		t.Fatal("no room for a source that is back")
	}
	next(t, in).Done()
	if n := in.Queues(); n != 3 {
		t.Errorf("%d queues once a source is back, want 3", n)
	}
}
