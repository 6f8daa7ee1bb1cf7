package backendtest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/notifyd/notifyd/backends"
)

// within runs Send and reports one that does not come back.
func (b *bench) within(ctx context.Context, p backends.Parcel) error {
	b.t.Helper()
	done := make(chan error, 1)
	go func() { done <- b.Backend.Send(ctx, p) }()
	select {
	case err := <-done:
		b.checkError(err)
		return err
	case <-time.After(Patience):
		b.t.Fatalf("Send did not return within %v", Patience)
		return nil
	}
}

func testCancelled(t *testing.T, b *bench) {
	b.deliver(b.parcel("warm", Samples()[0]))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	start := time.Now()
	err := b.within(ctx, b.parcel("cancelled", Samples()[1]))
	if err == nil {
		t.Error("Send with a cancelled context = nil, want an error")
	}
	if errors.Is(err, backends.ErrRefused) {
		t.Errorf("Send with a cancelled context = %v, which refuses for good", err)
	}
	if took := time.Since(start); took > Prompt {
		t.Errorf("Send with a cancelled context took %v", took)
	}
}

func testStalled(t *testing.T, b *bench) {
	if b.Stall == nil {
		t.Skip("the backend cannot stall")
	}
	b.deliver(b.parcel("warm", Samples()[0]))
	b.Stall()
	const deadline = 300 * time.Millisecond
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	start := time.Now()
	err := b.within(ctx, b.parcel("stalled", Samples()[1]))
	b.checkGivenUp(err, time.Since(start)-deadline)
}

func testCancelStalled(t *testing.T, b *bench) {
	if b.Stall == nil {
		t.Skip("the backend cannot stall")
	}
	b.deliver(b.parcel("warm", Samples()[0]))
	b.Stall()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var at time.Time
	timer := time.AfterFunc(300*time.Millisecond, func() { at = time.Now(); cancel() })
	defer timer.Stop()
	err := b.within(ctx, b.parcel("stalled", Samples()[1]))
	if ctx.Err() == nil {
		if err == nil {
			t.Error("Send to a stalled server = nil before its context ended")
		}
		return // the backend's own deadline is shorter, or it knows that nobody answers
	}
	b.checkGivenUp(err, time.Since(at))
}

func (b *bench) checkGivenUp(err error, late time.Duration) {
	b.t.Helper()
	if err == nil || errors.Is(err, backends.ErrRefused) {
		b.t.Errorf("Send to a stalled server = %v, want an error worth a retry", err)
	}
	if late > Prompt {
		b.t.Errorf("Send returned %v after its context's end", late)
	}
}

func testRefused(t *testing.T, b *bench) {
	if b.Refused == "" {
		t.Skip("the backend refuses no address for good")
	}
	b.deliver(b.parcel("warm", Samples()[0]))
	p := b.parcel("refused", Samples()[1])
	p.To = b.Refused
	if err := b.tryDeliver(p); !errors.Is(err, backends.ErrGone) {
		t.Errorf("Send to a refused address = %v, want ErrGone", err)
	}
	last := Samples()[0]
	last.Title = "after a refusal others still arrive"
	b.deliver(b.parcel("after", last))
	b.expect(last.Title)
}

func testDown(t *testing.T, b *bench) {
	if b.Down == nil || b.Up == nil {
		t.Skip("the backend cannot be down")
	}
	b.deliver(b.parcel("before", Samples()[0]))
	b.Down()
	late := Samples()[1]
	late.Title = "sent when the server was back"
	ctx, cancel := context.WithTimeout(context.Background(), Prompt)
	defer cancel()
	err := b.within(ctx, b.parcel("late", late))
	if err == nil {
		t.Error("Send with the server down = nil")
	}
	if errors.Is(err, backends.ErrRefused) {
		t.Errorf("Send with the server down = %v, which refuses for good", err)
	}
	b.Up()
	b.deliver(b.parcel("late", late))
	b.expect(late.Title)
}
