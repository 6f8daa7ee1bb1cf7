package leases

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/internal/backoff"
	"github.com/notifyd/notifyd/internal/exectest"
	"github.com/notifyd/notifyd/internal/metric"
	"github.com/notifyd/notifyd/migrations/migratest"
)

func TestMain(m *testing.M) {
	if dsn := os.Getenv(childDSN); dsn != "" {
		os.Exit(child(dsn))
	}
	os.Exit(migratest.Main(m))
}

// hold is short, and long enough for a machine that is busy.
const testHold = 1800 * time.Millisecond

// A watch knows who works, and complains where two do.
type watch struct {
	*testing.T
	mu      sync.Mutex
	working string
	began   chan string // the node's name; has room
}

func newWatch(t *testing.T) *watch { return &watch{T: t, began: make(chan string, 100)} }

// work is what runs under a lease.
func (w *watch) work(node string) func(context.Context) error {
	return func(ctx context.Context) error {
		w.mu.Lock()
		if w.working != "" {
			w.Errorf("%s begins while %s still works", node, w.working)
		}
		w.working = node
		w.mu.Unlock()
		w.began <- node
		<-ctx.Done()
		w.mu.Lock()
		w.working = ""
		w.mu.Unlock()
		return nil
	}
}

// next waits for the next node to begin, and gives its name and how long that took.
func (w *watch) next() (string, time.Duration) {
	w.Helper()
	since := time.Now()
	select {
	case node := <-w.began:
		return node, time.Since(since)
	case <-time.After(30 * time.Second):
		w.Fatal("nobody takes the lease")
	}
	return "", 0
}

// A node is one process of several, in the test's own.
type node struct {
	*Leases
	log   *safeLog
	jump  atomic.Int64 // of its wall clock
	pause atomic.Int64 // of its process, as its clocks show it
}

func newNode(t *testing.T, name, dsn string) *node {
	n := &node{log: &safeLog{}}
	n.Leases = Open(Config{DB: migratest.Open(t, dsn).Writer, Node: name, Version: "1", Hold: testHold, Now: time.Now,
		Log: slog.New(slog.NewTextHandler(n.log, nil))})
	real := n.clock
	n.clock = func() moment {
		m := real()
		passed := time.Duration(n.pause.Load())
		return moment{m.monotonic + passed, m.wall.Add(passed + time.Duration(n.jump.Load()))}
	}
	return n
}

// start runs While until the test or the returned function ends it.
func (n *node) start(t *testing.T, run func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := n.While(ctx, "x", run); err != nil {
			t.Errorf("%s: %v", n.Node, err)
		}
	})
	stop = func() { cancel(); running.Wait() }
	t.Cleanup(stop)
	return stop
}

type safeLog struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *safeLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *safeLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// TestHandOver: a node that stops in order hands over at once, to one of those that wait, however many wait.
func TestHandOver(t *testing.T) {
	dsn, w := migratest.Postgres(t), newWatch(t)
	stops, logs := map[string]func(){}, map[string]*safeLog{}
	for i := range 4 {
		n := newNode(t, fmt.Sprint("node ", i), dsn)
		stops[n.Node], logs[n.Node] = n.start(t, w.work(n.Node)), n.log
	}
	for range 4 {
		node, took := w.next()
		t.Logf("%s began after %s", node, took)
		stops[node]()
		// "taken", not "taken over": nobody has waited for the lease to run out
		for _, line := range []string{`msg="lease taken" lease=x`, `msg="lease given up" lease=x`} {
			if n := strings.Count(logs[node].String(), line); n != 1 {
				t.Errorf("%s logs %q %d times:\n%s", node, line, n, logs[node])
			}
		}
	}
}

// TestStopWhileRenewing: a node stops when the database has renewed the lease and the answer is on its way. It still
// gives the lease up.
func TestStopWhileRenewing(t *testing.T) {
	dsn, w := migratest.Postgres(t), newWatch(t)
	a, b := newNode(t, "a", dsn), newNode(t, "b", dsn)
	renewing, once := make(chan struct{}), sync.Once{}
	err := a.DB.Callback().Row().After("gorm:row").Register("slow answer", func(db *gorm.DB) {
		if !strings.HasPrefix(db.Statement.SQL.String(), "UPDATE leases SET beat = beat + 1") {
			return
		}
		once.Do(func() {
			close(renewing)
			backoff.Sleep(db.Statement.Context, 200*time.Millisecond)
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	stop := a.start(t, w.work("a"))
	w.next()
	b.start(t, w.work("b"))
	<-renewing
	stop()
	if node, took := w.next(); node != "b" || took > testHold*3/4 {
		t.Errorf("%s was given the lease after %s:\n%s", node, took, a.log)
	}
}

// TestRunThatEndsByItself: its error is that of While, and the lease is free.
func TestRunThatEndsByItself(t *testing.T) {
	dsn := migratest.Postgres(t)
	a, b := newNode(t, "a", dsn), newNode(t, "b", dsn)
	spent := errors.New("spent")
	err := a.While(t.Context(), "x", func(context.Context) error {
		if !a.Held("x") || b.Held("x") {
			t.Error("a works, and does not know that it holds the lease")
		}
		if again := a.While(t.Context(), "x", nil); again == nil {
			t.Error("one process waits twice for one lease")
		}
		return spent
	})
	if !errors.Is(err, spent) || a.Held("x") {
		t.Errorf("error %v; held: %v", err, a.Held("x"))
	}
	w := newWatch(t)
	b.start(t, w.work("b"))
	w.next()
	if log := b.log.String(); !strings.Contains(log, `msg="lease taken" lease=x`) {
		t.Errorf("the lease was not free:\n%s", log)
	}
}

// TestAlone: without PostgreSQL everything is held, and nothing is written.
func TestAlone(t *testing.T) {
	l := Open(Config{Node: "a", Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	ran := false
	err := l.While(t.Context(), "x", func(context.Context) error {
		ran = l.Held("x")
		if err := metric.Check(l.Collect); err != nil {
			t.Error(err)
		}
		return l.Appear(t.Context())
	})
	if err != nil || !ran || !l.Held("y") {
		t.Errorf("ran %v, error %v", ran, err)
	}
}

// TestShown: people see the nodes, who holds what, and who was killed.
func TestShown(t *testing.T) {
	dsn := migratest.Postgres(t)
	a, b := newNode(t, "a", dsn), newNode(t, "b", dsn)
	w := newWatch(t)
	a.start(t, w.work("a"))
	w.next()
	ctx, leave := context.WithCancel(t.Context())
	var shown sync.WaitGroup
	shown.Go(func() { _ = a.Appear(ctx) })
	defer func() { leave(); shown.Wait() }()
	old := time.Now().Add(-25 * time.Hour).UnixMicro()
	killed := time.Now().Add(-time.Hour).UnixMicro()
	err := b.DB.Exec("INSERT INTO nodes VALUES ('forgotten', '1', ?, ?), ('killed', '1', ?, ?)", old, old, killed,
		killed).Error
	if err != nil {
		t.Fatal(err)
	}
	var nodes []Node
	exectest.Eventually(t, 20*time.Second, "this node and the one that was killed are shown", func() bool {
		if nodes, err = b.Nodes(t.Context()); err != nil {
			t.Fatal(err)
		}
		return len(nodes) == 2 && nodes[0].Name == "a"
	})
	if nodes[0].Gone || nodes[0].Version != "1" || nodes[1].Name != "killed" || !nodes[1].Gone {
		t.Errorf("nodes %+v", nodes)
	}
	if !slices.Equal(nodes[0].Holds, []string{"x"}) || len(nodes[1].Holds) > 0 || nodes[0].This {
		t.Errorf("nodes %+v", nodes)
	}
	held := map[string]float64{}
	a.Collect(func(d *metric.Desc, value float64, labels ...string) { held[d.Name+labels[0]] = value })
	if len(held) != 1 || held["notifyd_lease_heldx"] != 1 {
		t.Errorf("metrics %v", held)
	}
	leave()
	shown.Wait()
	if nodes, err = b.Nodes(t.Context()); err != nil || len(nodes) != 1 {
		t.Errorf("a node that has ended is shown: %+v, error %v", nodes, err)
	}
}

// TestStopWhileOthersLook: who stops does not wait for the looks of others at a database that hangs.
func TestStopWhileOthersLook(t *testing.T) {
	l := Open(Config{DB: &gorm.DB{}, Node: "a", Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	l.looking <- struct{}{} // another one looks
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- l.While(ctx, "x", nil) }()
	cancel()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(30 * time.Second):
		t.Error("it waits for the look of another one")
	}
}
