package backendtest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/notifyd/notifyd/backends"
)

func testCancelled(t *testing.T, b *bench) {
	b.deliver(b.parcel("warm", Samples()[0]))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	b.checkFailure("with a cancelled context", b.within(ctx, b.parcel("cancelled", Samples()[1])))
}

// stalledFor is how long a Send waits for a stalled server before its context ends.
const stalledFor = 300 * time.Millisecond

func testStalled(t *testing.T, b *bench) {
	if b.Stall == nil {
		t.Skip("the backend cannot stall")
	}
	b.deliver(b.parcel("warm", Samples()[0]))
	b.Stall()
	ctx, cancel := context.WithTimeout(context.Background(), stalledFor)
	defer cancel()
	b.checkFailure("to a stalled server", b.within(ctx, b.parcel("stalled", Samples()[1])))
}

func testCancelStalled(t *testing.T, b *bench) {
	if b.Stall == nil {
		t.Skip("the backend cannot stall")
	}
	b.deliver(b.parcel("warm", Samples()[0]))
	b.Stall()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	timer := time.AfterFunc(stalledFor, cancel)
	defer timer.Stop()
	b.checkFailure("to a stalled server", b.within(ctx, b.parcel("stalled", Samples()[1])))
}

func testRefused(t *testing.T, b *bench) {
	if b.Refused == "" {
		t.Skip("the backend refuses no address for good")
	}
	b.deliver(b.parcel("warm", Samples()[0]))
	p := b.parcel("refused", Samples()[1])
	p.To = b.Refused
	if err := b.tryDeliver(p); !errors.Is(err, backends.ErrGone) {
		b.broken(refuses, "Send to the refused address = %v", err)
	}
	last := Samples()[0]
	last.Title = "after a refusal others still arrive"
	b.deliver(b.parcel("after", last))
	b.expect(refuses, last.Title)
}

func testDown(t *testing.T, b *bench) {
	if b.Down == nil || b.Up == nil {
		t.Skip("the backend cannot be down")
	}
	b.deliver(b.parcel("before", Samples()[0]))
	b.Down()
	late := Samples()[1]
	late.Title = "sent when the server was back"
	ctx, cancel := context.WithTimeout(context.Background(), prompt)
	defer cancel()
	b.checkFailure("with the server down", b.within(ctx, b.parcel("late", late)))
	b.Up()
	if err := b.tryDeliver(b.parcel("late", late)); err != nil {
		b.stop(recovers, "Send with the server back = %v for %v", err, patience)
	}
	b.expect(recovers, late.Title)
}
