package leases

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/notifyd/notifyd/internal/backoff"
	"github.com/notifyd/notifyd/internal/exectest"
	"github.com/notifyd/notifyd/migrations/migratest"
)

// startInTime is start for InTime, with the row that says what time it is.
func (n *node) startInTime(t *testing.T, run func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = n.Appear(ctx) })
	running.Go(func() {
		if err := n.InTime(ctx, "x", run); err != nil {
			t.Errorf("%s: %v", n.Node, err)
		}
	})
	stop = func() { cancel(); running.Wait() }
	t.Cleanup(stop)
	return stop
}

// TestWrongClock: a node whose clock is a year ahead does not work, and one whose clock jumps by a year stops, without
// an error. Others go on, and so does the node when its clock is right again.
func TestWrongClock(t *testing.T) {
	const year = 365 * 24 * time.Hour
	dsn, w := migratest.Postgres(t), newWatch(t)
	a, b := newNode(t, "a", dsn), newNode(t, "b", dsn)
	a.jump.Store(int64(year))
	a.startInTime(t, w.work("a"))
	warned := func(n *node, word string) func() bool {
		return func() bool { return strings.Contains(strings.Join(n.Warnings(), " "), word) }
	}
	exectest.Eventually(t, 20*time.Second, "a says that its clock is ahead", warned(a, "ahead of the database's"))
	backoff.Sleep(t.Context(), testHold)
	if len(w.began) > 0 {
		t.Fatal("a node works whose clock is wrong")
	}
	stop := b.startInTime(t, w.work("b"))
	if node, _ := w.next(); node != "b" {
		t.Fatalf("%s works", node)
	}
	a.jump.Store(0)
	exectest.Eventually(t, 20*time.Second, "a says no more", func() bool { return len(a.Warnings()) == 0 })
	b.jump.Store(-int64(year))
	if node, took := w.next(); node != "a" || !warned(b, "behind the database's")() {
		t.Errorf("%s works after %s; b warns of %q", node, took, b.Warnings())
	}
	stop()
	a.jump.Store(int64(30 * time.Second)) // which is said and does no harm
	exectest.Eventually(t, 20*time.Second, "a says that its clock is a little ahead", warned(a, "30s ahead"))
	exectest.Eventually(t, 20*time.Second, "a holds the lease", func() bool { return a.Held("x") })
}

// TestClockThatIsRight: InTime ends as While does, with what ran.
func TestClockThatIsRight(t *testing.T) {
	n := newNode(t, "a", migratest.Postgres(t))
	ctx, leave := context.WithCancel(t.Context())
	var shown sync.WaitGroup
	shown.Go(func() { _ = n.Appear(ctx) })
	defer func() { leave(); shown.Wait() }()
	if err := n.InTime(ctx, "x", func(context.Context) error { return context.DeadlineExceeded }); err == nil {
		t.Error("no error")
	}
	if all := n.Warnings(); len(all) > 0 {
		t.Errorf("the machine's own clock is wrong: %q", all)
	}
}
