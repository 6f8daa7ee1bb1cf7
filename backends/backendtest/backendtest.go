// Package backendtest is what every backend must do, as a test: a backend's own test opens a Fixture and calls Run.
//
// The kit is the contract of backends.Backend in executable form. A backend adds only what the kit cannot know: how to
// read what has arrived, and what would be a breach of its own protocol.
package backendtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/backends"
)

// Patience is how long the kit waits for something that should happen; Prompt how soon a Send must return when its
// context has ended.
const (
	Patience = 30 * time.Second
	Prompt   = 3 * time.Second
)

// A Fixture is a backend under test and the far end of it: a real or in-process server with a reader.
type Fixture struct {
	Backend backends.Backend // a backends.Runner is run for the length of the test
	Info    backends.Info
	To      string // an address that takes everything
	// Refused is an address that the backend refuses for good; "" where it has none.
	Refused string
	// Secrets must appear in no error: passwords, tokens. The kit adds the addresses.
	Secrets []string
	// Received gives what has arrived so far at To, oldest first.
	Received func() []Receipt
	// Down makes the backend's server unreachable, Up brings it back. nil: it cannot be down.
	Down, Up func()
	// Stall makes the server accept connections or commands and answer none, until the test ends or Up is called.
	// nil: it cannot stall.
	Stall func()
	// Intact looks at everything that went over the wire for breaches that the kit cannot know: a header too many, an
	// IRC line that is not ours. It is called after each test with the titles sent. nil: nothing to check.
	Intact func(t testing.TB)
	// Many is the size of the kit's digest; 0 is 20. Set it lower where the backend is paced.
	Many int
	// Whole says that a parcel's notices arrive with their full text, not only their titles.
	Whole bool
}

// A Receipt is one parcel, or a part of one, as a person gets it.
type Receipt struct {
	To   string
	ID   string // what makes a repeated parcel recognisable (the Message-ID); "" where the backend has nothing of the kind
	Text string // all the words a person sees, decoded, spaces collapsed
}

// Run runs the whole kit. open is called once for each part and cleans up by t.Cleanup.
func Run(t *testing.T, open func(t *testing.T) Fixture) {
	for _, part := range []struct {
		name string
		test func(*testing.T, *bench)
	}{
		{"info", testInfo},
		{"metrics", testMetrics},
		{"one notice", testOne},
		{"digest", testDigest},
		{"account message", testAccount},
		{"retry", testRetry},
		{"concurrent", testConcurrent},
		{"cancelled before", testCancelled},
		{"deadline while stalled", testStalled},
		{"cancel while stalled", testCancelStalled},
		{"refused", testRefused},
		{"down and back", testDown},
		{"hostile", testHostile},
	} {
		t.Run(part.name, func(t *testing.T) {
			b := newBench(t, open(t))
			part.test(t, b)
			if b.Intact != nil {
				b.Intact(t)
			}
		})
	}
}

// bench is a running fixture and the errors it gave.
type bench struct {
	Fixture
	t *testing.T
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
	runner, ok := f.Backend.(backends.Runner)
	if !ok {
		return b
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- runner.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil && !errors.Is(err, context.Canceled) {
				t.Errorf("Run = %v after its context ended, want nil", err)
			}
		case <-time.After(Patience):
			t.Errorf("Run did not return within %v of its context's end", Patience)
		}
	})
	return b
}

// send sends once and checks that an error leaks nothing.
func (b *bench) send(ctx context.Context, p backends.Parcel) error {
	err := b.Backend.Send(ctx, p)
	b.checkError(err)
	return err
}

// deliver sends until the backend takes the parcel, as the outbox does: a backend may still be connecting.
func (b *bench) deliver(p backends.Parcel) {
	b.t.Helper()
	if err := b.tryDeliver(p); err != nil {
		b.t.Fatalf("Send(%s) = %v", p.ID, err)
	}
}

func (b *bench) tryDeliver(p backends.Parcel) error {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	var last error
	err := poll(ctx, func() bool {
		last = b.send(ctx, p)
		return last == nil || errors.Is(last, backends.ErrRefused)
	})
	if last != nil {
		return last
	}
	return err
}

func (b *bench) checkError(err error) {
	b.t.Helper()
	if err == nil {
		return
	}
	text := strings.ToLower(err.Error())
	for _, s := range append(slices.Clone(b.Secrets), b.To, b.Refused) {
		if s != "" && strings.Contains(text, strings.ToLower(s)) {
			b.t.Errorf("the error %q leaks %q", err, s)
		}
	}
}

// expect waits until every text has arrived, anywhere in what was received, and gives the receipts.
func (b *bench) expect(texts ...string) []Receipt {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	var missing string
	var got []Receipt
	err := poll(ctx, func() bool {
		got = b.Received()
		var all strings.Builder
		for _, r := range got {
			all.WriteString(r.Text)
			all.WriteString("\n")
		}
		i := slices.IndexFunc(texts, func(s string) bool { return !strings.Contains(all.String(), s) })
		if i >= 0 {
			missing = texts[i]
		}
		return i < 0
	})
	if err != nil {
		b.t.Fatalf("%q has not arrived within %v; received %s", missing, Patience, brief(got))
	}
	return got
}

// poll asks until ok says yes or ctx ends.
func poll(ctx context.Context, ok func() bool) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
	return nil
}

func brief(rs []Receipt) string {
	var s strings.Builder
	fmt.Fprintf(&s, "%d:", len(rs))
	for _, r := range rs[:min(len(rs), 5)] {
		fmt.Fprintf(&s, " %.200q", r.Text)
	}
	return s.String()
}
