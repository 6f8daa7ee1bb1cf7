package zmq

import (
	"testing"

	"github.com/notifyd/notifyd/bus"
)

func TestQueueIsBoundedByBytes(t *testing.T) {
	var q queue
	var held []bus.Frame
	for {
		f := bus.Frame{Topic: "org.example.test", Payload: make([]byte, 1<<20)}
		if !q.take(&f) {
			break
		}
		held = append(held, f)
	}
	if n := len(held); n < 100 || n > maxHeld>>20 {
		t.Fatalf("%d frames of 1 MiB were held, want about %d", n, maxHeld>>20)
	}
	held[0].Done()
	f := bus.Frame{Payload: make([]byte, 1<<20)}
	if !q.take(&f) {
		t.Error("no room although a frame is done with")
	}
	for _, f := range held[1:] {
		f.Done()
	}
	f.Done()
	if left := q.held.Load(); left != 0 {
		t.Errorf("%d bytes held after all frames are done with", left)
	}
}
