package bus_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/notifyd/notifyd/bus"
)

// sized is a frame of a source with a payload of n bytes.
func sized(source string, n int) bus.Frame {
	return bus.Frame{Source: source, Topic: "t", Payload: make([]byte, n)}
}

// next gives the one frame that must be there, of the next batch.
func next(t *testing.T, in *bus.Intake) bus.Frame {
	t.Helper()
	batch, open := in.Next(t.Context())
	if !open || len(batch) != 1 {
		t.Fatalf("a batch of %d frames, want one", len(batch))
	}
	return batch[0]
}

// fill puts frames of n bytes until there is no room, and gives their number.
func fill(in *bus.Intake, source string, n int) (held int) {
	for in.TryPut(sized(source, n)) {
		held++
	}
	return held
}

// TestRoomIsBoundedByBytes is done with one frame twice: it makes room for one.
func TestRoomIsBoundedByBytes(t *testing.T) {
	in := bus.NewIntake(bus.IntakeConfig{})
	if n := fill(in, "a", 1<<20); n != bus.MaxHeld>>20-1 {
		t.Fatalf("%d frames of 1 MiB were held", n)
	}
	f, _ := in.Next(t.Context())
	if in.TryPut(sized("a", 1<<20)) {
		t.Error("a frame that was taken and is not done with made room")
	}
	f[0].Done()
	f[0].Done()
	if !in.TryPut(sized("a", 1<<20)) || in.TryPut(sized("a", 1<<20)) {
		t.Error("a frame that was done with twice did not make room for one")
	}
}

// TestRoomIsLeftForOthers fills from many sources: each gets some, and all together stay bounded.
func TestRoomIsLeftForOthers(t *testing.T) {
	in := bus.NewIntake(bus.IntakeConfig{})
	held := 0
	for i := range 20 {
		n := fill(in, fmt.Sprint("flood", i), 1<<20)
		if held += n; n == 0 {
			t.Fatalf("no room for source %d", i)
		}
	}
	if held > 64+20 {
		t.Errorf("%d MiB are held", held)
	}
	if !in.TryPut(sized("honest", bus.MaxPayload)) {
		t.Error("no room for one message of an honest source")
	}
	for i := range 3000 {
		in.TryPut(sized(fmt.Sprint("made up ", i), 1))
	}
	if n := in.Len(); n > 1024+held+1 {
		t.Errorf("%d frames wait: sources that make up names have no bound", n)
	}
}

func TestRoomIsBoundedByFrames(t *testing.T) {
	in := bus.NewIntake(bus.IntakeConfig{Frames: 3})
	if n := fill(in, "a", 1); n != 3 {
		t.Errorf("%d frames wait, want 3", n)
	}
	late := sized("a", 1)
	late.Late = true
	if !in.TryPut(late) || !in.TryPut(sized("b", 1)) {
		t.Error("a full queue has filled another")
	}
	if batch, _ := in.Next(t.Context()); len(batch) != 5 || !in.TryPut(sized("a", 1)) {
		t.Errorf("a batch of %d frames made no room", len(batch))
	}
}

// TestPutsWaitInOrder has a large frame and then a small one wait for room: the small one does not pass.
func TestPutsWaitInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := bus.NewIntake(bus.IntakeConfig{Batch: 1})
		fill(in, "a", 1<<20)
		for _, size := range []int{5 << 20, 1 << 10} {
			go func() {
				if err := in.Put(t.Context(), sized("a", size)); err != nil {
					t.Error(err)
				}
			}()
			synctest.Wait()
		}
		var held []bus.Frame
		for in.Len() > 0 {
			batch, _ := in.Next(t.Context())
			held = append(held, batch...)
		}
		for i, f := range held[:5] {
			f.Done()
			synctest.Wait()
			if in.Len() != 0 && i < 4 {
				t.Fatalf("%d frames were let in after %d were done with", in.Len(), i+1)
			}
		}
		if first := next(t, in); len(first.Payload) != 5<<20 {
			t.Error("the small frame passed the large one")
		}
	})
}

// TestAPutThatGivesUpLetsTheNextIn: the frame behind it is small enough.
func TestAPutThatGivesUpLetsTheNextIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := bus.NewIntake(bus.IntakeConfig{})
		fill(in, "a", 1<<20)
		ctx, cancel := context.WithCancel(t.Context())
		large, small := make(chan error, 1), make(chan error, 1)
		go func() { large <- in.Put(ctx, sized("a", 5<<20)) }()
		synctest.Wait()
		go func() { small <- in.Put(t.Context(), sized("a", 1)) }()
		synctest.Wait()
		cancel()
		if err := <-large; err != context.Canceled {
			t.Errorf("the large frame: %v", err)
		}
		if err := <-small; err != nil {
			t.Errorf("the small frame: %v", err)
		}
	})
}

// TestCloseEndsPutsAndDrains closes an Intake that is full and that a frame waits for.
func TestCloseEndsPutsAndDrains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := bus.NewIntake(bus.IntakeConfig{Frames: 2, Batch: 1})
		fill(in, "a", 1)
		ended := make(chan error)
		go func() { ended <- in.Put(t.Context(), sized("a", 1)) }()
		synctest.Wait()
		in.Close()
		in.Close()
		if err := <-ended; err != bus.ErrClosed {
			t.Errorf("Put = %v, want %v", err, bus.ErrClosed)
		}
		for range 2 {
			next(t, in).Done()
		}
		if batch, open := in.Next(t.Context()); open || len(batch) > 0 {
			t.Error("it is not empty")
		}
		if err := in.Put(t.Context(), sized("b", 1)); err != bus.ErrClosed || in.TryPut(sized("b", 1)) {
			t.Errorf("a closed Intake takes frames: %v", err)
		}
	})
}

// TestNextWaits until a frame comes, its context ends, or the Intake is closed.
func TestNextWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := bus.NewIntake(bus.IntakeConfig{})
		ctx, cancel := context.WithCancel(t.Context())
		got := make(chan int)
		take := func() {
			batch, open := in.Next(ctx)
			if open != (len(batch) > 0) {
				t.Errorf("Next = %d frames, %v", len(batch), open)
			}
			got <- len(batch)
		}
		go take()
		synctest.Wait()
		in.TryPut(sized("a", 1))
		if n := <-got; n != 1 {
			t.Errorf("%d frames, want one", n)
		}
		for _, ends := range []func(){cancel, in.Close} {
			go take()
			synctest.Wait()
			ends()
			if n := <-got; n != 0 {
				t.Errorf("%d frames, want none", n)
			}
			ctx = t.Context()
		}
	})
}

// TestManyPutAtOnce has twelve senders of three sources, half of which give up now and then. What was handed over
// comes, in the order of each sender.
func TestManyPutAtOnce(t *testing.T) {
	const each = 300
	in := bus.NewIntake(bus.IntakeConfig{Frames: 5})
	var senders sync.WaitGroup
	var handed [12][]int
	for i := range handed {
		senders.Go(func() {
			for n := range each {
				ctx, cancel := context.WithCancel(t.Context())
				if i%2 == 0 && n%3 == 0 {
					time.AfterFunc(time.Duration(n)*time.Microsecond, cancel)
				}
				f := sized(fmt.Sprint("source ", i%3), n*100)
				f.Topic = fmt.Sprint(i, " ", n)
				if in.Put(ctx, f) == nil {
					handed[i] = append(handed[i], n)
				}
				cancel()
			}
		})
	}
	go func() { senders.Wait(); in.Close() }()
	var came [len(handed)][]int
	var done sync.WaitGroup
	defer done.Wait()
	for batch, open := in.Next(t.Context()); open; batch, open = in.Next(t.Context()) {
		for _, f := range batch {
			var i, n int
			fmt.Sscan(f.Topic, &i, &n)
			came[i] = append(came[i], n)
			done.Go(f.Done)
		}
	}
	for i := range handed {
		if !slices.Equal(came[i], handed[i]) || len(handed[i]) < each/2 {
			t.Errorf("of sender %d came %d of %d, or in another order", i, len(came[i]), len(handed[i]))
		}
	}
}
