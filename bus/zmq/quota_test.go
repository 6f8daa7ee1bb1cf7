package zmq

import (
	"testing"

	"github.com/notifyd/notifyd/bus"
)

func TestQueueIsBoundedByBytes(t *testing.T) {
	q := quota{permits: bus.NewPermits()}
	var held []bus.Frame
	for {
		f := bus.Frame{Topic: "org.example.test", Payload: make([]byte, 1<<20)}
		if !q.acquire(&f) {
			break
		}
		held = append(held, f)
	}
	if n := len(held); n < 30 || n > 32 {
		t.Fatalf("%d frames of 1 MiB were held, want about 31", n)
	}
	held[0].Done()
	f := bus.Frame{Payload: make([]byte, 1<<20)}
	if !q.acquire(&f) {
		t.Error("no room although a frame is done with")
	}
	for _, f := range held[1:] {
		f.Done()
	}
	f.Done()
	for i := range held {
		if !q.acquire(&held[i]) {
			t.Fatalf("room for %d frames after all are done with, want %d", i, len(held))
		}
	}
}

// TestOneEndpointLeavesRoomToOthers floods from one endpoint while nobody takes frames: another still finds room.
func TestOneEndpointLeavesRoomToOthers(t *testing.T) {
	q := quota{permits: bus.NewPermits()}
	q.divide(100, 2)
	var held []bus.Frame
	for range 1000 {
		f := bus.Frame{Source: "flood"}
		if !q.acquire(&f) {
			break
		}
		held = append(held, f)
	}
	if len(held) != 75 {
		t.Errorf("the flood holds %d of 100 frames, want 75", len(held))
	}
	quiet := bus.Frame{Source: "quiet"}
	if !q.acquire(&quiet) {
		t.Error("the other endpoint finds no room")
	}
	held[0].Done()
	again := bus.Frame{Source: "flood"}
	if !q.acquire(&again) {
		t.Error("no room although a frame is done with")
	}
	alone := quota{permits: bus.NewPermits()}
	alone.divide(100, 1)
	for i := range 200 {
		if f := (bus.Frame{Source: "only"}); !alone.acquire(&f) {
			t.Fatalf("an endpoint that is alone was refused at frame %d", i)
		}
	}
}
