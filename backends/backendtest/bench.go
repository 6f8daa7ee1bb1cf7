package backendtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/notifyd/notifyd/backends"
)

const manage = "https://notify.example.org/settings"

// A bench is a fixture that runs.
type bench struct {
	Fixture
	t     *testing.T
	marks int    // sent so far
	end   func() // of what runs
}

func newBench(t *testing.T, f Fixture) *bench {
	t.Helper()
	if f.Backend == nil || f.Received == nil || f.To == "" {
		t.Fatal("backendtest: a Fixture needs Backend, To and Received")
	}
	if f.Many == 0 {
		f.Many = 20
	}
	b := &bench{Fixture: f, t: t}
	if runner, ok := f.Backend.(backends.Runner); ok {
		b.run(runner)
	}
	return b
}

// run runs the backend until end is called, or the test ends.
func (b *bench) run(runner backends.Runner) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- runner.Run(ctx) }()
	b.end = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil && !errors.Is(err, context.Canceled) {
				b.broken(ends, "Run = %v", err)
			}
		case <-time.After(patience):
			b.broken(ends, "it has not returned within %v", patience)
		}
	})
	b.t.Cleanup(b.end)
}

func (b *bench) parcel(id string, notices ...backends.Notice) backends.Parcel {
	return backends.Parcel{ID: id, To: b.To, Notices: notices, Manage: manage}
}

// deliver sends until the backend takes the parcel, as the outbox does: a backend may still be connecting.
func (b *bench) deliver(p backends.Parcel) {
	b.t.Helper()
	if err := b.tryDeliver(p); err != nil {
		b.stop(delivers, "Send(%s) = %v for %v", p.ID, err, patience)
	}
}

func (b *bench) tryDeliver(p backends.Parcel) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var last error
	taken := poll(ctx, func() bool {
		last = b.Backend.Send(ctx, p)
		b.checkError(last)
		return last == nil || errors.Is(last, backends.ErrRefused)
	})
	if !taken && last == nil {
		return ctx.Err()
	}
	return last
}

// within runs Send and reports one that outlives its context, which the caller sees to.
func (b *bench) within(ctx context.Context, p backends.Parcel) error {
	b.t.Helper()
	done := make(chan error, 1)
	go func() { done <- b.Backend.Send(ctx, p) }()
	select {
	case err := <-done:
		b.checkError(err)
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-done:
		b.checkError(err)
		return err
	case <-time.After(prompt):
		b.stop(returns, "it has not returned within %v of the end", prompt)
		return nil
	}
}

// expect wants every text to arrive, anywhere in what was received, and gives the receipts. A text that is missing is a
// broken promise.
func (b *bench) expect(p promise, texts ...string) []Receipt {
	b.t.Helper()
	got, missing := b.await(soon, texts)
	if missing == "" {
		return got
	}
	b.marks++
	mark, since := fmt.Sprintf("mark %d is sent behind it", b.marks), time.Now()
	n := Samples()[0]
	n.ID, n.Title = fmt.Sprintf("mark-%d", b.marks), mark
	if err := b.tryDeliver(b.parcel(n.ID, n)); err != nil {
		b.stop(p, "%q has not arrived, and Send then gives %v; received %s", missing, err, brief(got))
	}
	if got, lost := b.await(patience, []string{mark}); lost != "" {
		b.stop(delivers, "%q has not arrived, and nothing after it within %v; received %s", missing, patience, brief(got))
	}
	// A server may deliver in another order: what is under way has as long again.
	if got, missing = b.await(time.Since(since)+soon, texts); missing != "" {
		b.stop(p, "%q has not arrived, and what was sent after it has; received %s", missing, brief(got))
	}
	return got
}

// await waits so long for every text, and gives what was received and one text that is missing.
func (b *bench) await(most time.Duration, texts []string) (got []Receipt, missing string) {
	ctx, cancel := context.WithTimeout(context.Background(), most)
	defer cancel()
	poll(ctx, func() bool {
		got, missing = b.Received(), ""
		var all strings.Builder
		for _, r := range got {
			all.WriteString(r.Text)
			all.WriteString("\n")
		}
		if i := slices.IndexFunc(texts, func(s string) bool { return !strings.Contains(all.String(), s) }); i >= 0 {
			missing = texts[i]
		}
		return missing == ""
	})
	return got, missing
}

// poll calls ok until it says yes or ctx ends; it reports which.
func poll(ctx context.Context, ok func() bool) bool {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
	}
	return true
}

func brief(rs []Receipt) string {
	var s strings.Builder
	fmt.Fprintf(&s, "%d:", len(rs))
	for _, r := range rs[max(0, len(rs)-5):] {
		fmt.Fprintf(&s, " %.200q", r.Text)
	}
	return s.String()
}
