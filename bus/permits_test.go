package bus_test

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"

	"github.com/notifyd/notifyd/bus"
)

func mebibyte() bus.Frame { return bus.Frame{Topic: "t", Payload: make([]byte, 1<<20)} }

func TestPermitsBoundBytes(t *testing.T) {
	p := bus.NewPermits()
	var held []bus.Frame
	for f := mebibyte(); p.TryAcquire(&f); f = mebibyte() {
		held = append(held, f)
	}
	if n := len(held); n != bus.MaxHeld>>20-1 {
		t.Fatalf("%d frames of 1 MiB were held", n)
	}
	held[0].Done()
	held[0].Done()
	one, two := mebibyte(), mebibyte()
	if !p.TryAcquire(&one) || p.TryAcquire(&two) {
		t.Error("a frame that was done with twice did not make room for one")
	}
}

// TestForwardHoldsBack forwards more than MaxHeld while nothing is done with; a Forward that gives up holds nothing.
func TestForwardHoldsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := bus.NewMeter("src", "addr", slog.New(slog.DiscardHandler))
		out := make(chan bus.Frame, 100)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			for ctx.Err() == nil {
				if err := m.Forward(ctx, out, mebibyte()); err != nil {
					ended <- err
				}
			}
		}()
		synctest.Wait()
		held := len(out)
		(<-out).Done()
		synctest.Wait()
		if held >= bus.MaxHeld>>20 || len(out) != held {
			t.Errorf("%d frames of 1 MiB held, then one done with, and %d", held, len(out))
		}
		cancel()
		if err := <-ended; err != context.Canceled {
			t.Errorf("Forward = %v", err)
		}
		given, giveUp := context.WithCancel(t.Context())
		giveUp()
		for range 100 {
			(<-out).Done()
			if err := m.Forward(t.Context(), out, mebibyte()); err != nil {
				t.Error(err)
			}
			if err := m.Forward(given, nil, mebibyte()); err == nil {
				t.Error("forwarded to nobody")
			}
		}
	})
}
