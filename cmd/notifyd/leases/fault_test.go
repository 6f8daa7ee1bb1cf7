package leases

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/notifyd/notifyd/internal/backoff"
	"github.com/notifyd/notifyd/internal/exectest"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
)

// TestDatabaseThatDoesNotAnswer: a holder that cannot renew stops before another node begins, and does not hang.
func TestDatabaseThatDoesNotAnswer(t *testing.T) {
	dsn, w := migratest.Postgres(t), newWatch(t)
	far := migratest.NewWall(t, dsn)
	a, b := newNode(t, "a", far.URL), newNode(t, "b", dsn)
	a.start(t, w.work("a"))
	if node, _ := w.next(); node != "a" {
		t.Fatalf("%s began", node)
	}
	b.start(t, w.work("b"))
	far.Freeze()
	node, took := w.next()
	if node != "b" || took < testHold/2 || took > 2*testHold+5*time.Second {
		t.Errorf("%s began after %s", node, took)
	}
	t.Logf("taken over after %s with a lease of %s", took.Round(time.Millisecond), testHold)
	if !strings.Contains(a.log.String(), `msg="lease lost: what ran under it stops here" lease=x`) || a.Held("x") {
		t.Errorf("the holder that was cut off logs:\n%s", a.log)
	}
	far.Thaw()
	backoff.Sleep(t.Context(), testHold)
	if len(w.began) > 0 {
		t.Errorf("%s has begun: a node that is back takes the lease of one that works", <-w.began)
	}
}

// TestClocksThatJump: no jump of a clock makes two of one. A holder whose clock jumps ahead stops, unless it learns
// that it still has the lease.
func TestClocksThatJump(t *testing.T) {
	dsn, w := migratest.Postgres(t), newWatch(t)
	a, b := newNode(t, "a", dsn), newNode(t, "b", dsn)
	a.start(t, w.work("a"))
	w.next()
	b.start(t, w.work("b"))
	for range 3 { // the waiting one's, both ways, and the database's
		b.jump.Add(int64(time.Hour))
		backoff.Sleep(t.Context(), testHold/6)
		b.jump.Add(-2 * int64(time.Hour))
		if err := b.DB.Exec("UPDATE leases SET held_until = 0, taken_at = 0").Error; err != nil {
			t.Fatal(err)
		}
		backoff.Sleep(t.Context(), testHold/6)
	}
	a.jump.Add(-int64(time.Hour)) // says nothing: the monotonic clock says more
	backoff.Sleep(t.Context(), testHold/3)
	if !a.Held("x") || len(w.began) > 0 {
		t.Fatal("the holder has lost its lease to a clock that jumped")
	}
	a.jump.Add(3 * int64(time.Hour))
	if a.Held("x") {
		t.Error("a holder that was suspended for hours believes that it still holds its lease")
	}
	// A renewal that works says that nobody has taken it meanwhile, and the holder goes on; or else somebody begins.
	exectest.Eventually(t, 30*time.Second, "somebody works", func() bool { return a.Held("x") || b.Held("x") })
}

// TestPauseOfTheHolder: the clocks have gone on without the process. It must not work for a moment more.
func TestPauseOfTheHolder(t *testing.T) {
	dsn, w := migratest.Postgres(t), newWatch(t)
	a := newNode(t, "a", dsn)
	a.start(t, w.work("a"))
	w.next()
	if !a.Held("x") {
		t.Fatal("not held")
	}
	a.pause.Add(int64(testHold))
	if a.Held("x") {
		t.Error("held after a pause as long as the lease")
	}
	exectest.Eventually(t, 30*time.Second, "it works again", func() bool { return a.Held("x") })
}

// The child process of the tests below works whenever it holds the lease, and says so line by line.
const childDSN, childName = "NOTIFYD_LEASES_DSN", "NOTIFYD_LEASES_NAME"

func child(dsn string) int {
	ctx := context.Background()
	d, err := migrations.Join(ctx, dsn)
	if err != nil {
		fmt.Println("error", err)
		return 1
	}
	l := Open(Config{DB: d.Writer, Node: os.Getenv(childName), Hold: testHold, Now: time.Now,
		Log: slog.New(slog.DiscardHandler)})
	err = l.While(ctx, "x", func(ctx context.Context) error {
		fmt.Println("begin", time.Now().UnixNano())
		for backoff.Sleep(ctx, time.Millisecond) {
			if at := time.Now().UnixNano(); l.Held("x") { // at is before the answer: a stop may come right behind it
				fmt.Println("work", at)
			}
		}
		fmt.Println("end", time.Now().UnixNano())
		return nil
	})
	fmt.Println("error", err)
	return 1
}

// A span is a time in which a process worked under the lease.
type span struct {
	node       string
	begin, end int64
}

// A worker is such a process.
type worker struct {
	name    string
	command *exec.Cmd
	ended   chan struct{}
	mu      sync.Mutex
	spans   []span
}

func startWorker(t *testing.T, name, dsn string) *worker {
	t.Helper()
	p := &worker{name: name, command: exec.Command(os.Args[0]), ended: make(chan struct{})}
	p.command.Env = append(os.Environ(), childDSN+"="+dsn, childName+"="+name)
	out, err := p.command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		p.read(t, out)
		_ = p.command.Wait()
	}()
	t.Cleanup(p.kill)
	return p
}

func (p *worker) read(t *testing.T, out io.Reader) {
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var what string
		var at int64
		if n, _ := fmt.Sscan(lines.Text(), &what, &at); n != 2 {
			t.Errorf("%s says %s", p.name, lines.Text())
			return
		}
		p.mu.Lock()
		if what == "begin" {
			p.spans = append(p.spans, span{p.name, at, at})
		} else if what == "work" {
			p.spans[len(p.spans)-1].end = at
		}
		p.mu.Unlock()
	}
}

func (p *worker) all() []span {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]span(nil), p.spans...)
}

func (p *worker) works() bool {
	spans := p.all()
	return len(spans) > 0 && time.Since(time.Unix(0, spans[len(spans)-1].end)) < testHold/9
}

func (p *worker) signal(t *testing.T, s os.Signal) {
	t.Helper()
	if err := p.command.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

func (p *worker) kill() {
	_ = p.command.Process.Kill()
	<-p.ended
}

// TestKilledAndPausedProcesses kills holders with SIGKILL, and stops them with SIGSTOP for longer than the lease. There
// are never two that work, and another one goes on in good time.
func TestKilledAndPausedProcesses(t *testing.T) {
	dsn := migratest.Postgres(t)
	migratest.Open(t, dsn)
	workers := map[*worker]bool{}
	var spans []span
	start := func(i int) { workers[startWorker(t, fmt.Sprint("process ", i), dsn)] = true }
	working := func(but *worker) (found *worker) {
		exectest.Eventually(t, 30*time.Second, "a process works", func() bool {
			for p := range workers {
				if p != but && p.works() {
					found = p
				}
			}
			return found != nil
		})
		return found
	}
	start(0)
	start(1)
	for round := range 4 {
		holder := working(nil)
		at := time.Now()
		if round%2 == 0 {
			holder.kill()
			spans = append(spans, holder.all()...)
			delete(workers, holder)
			start(2 + round)
		} else {
			holder.signal(t, syscall.SIGSTOP)
		}
		next := working(holder)
		t.Logf("%s went on for %s after %s, with a lease of %s", next.name, holder.name,
			time.Since(at).Round(time.Millisecond), testHold)
		if took := time.Since(at); took > 2*testHold+5*time.Second {
			t.Errorf("it took %s", took)
		}
		if round%2 == 1 {
			holder.signal(t, syscall.SIGCONT)
			backoff.Sleep(t.Context(), testHold/2)
		}
	}
	for p := range workers {
		p.kill()
		spans = append(spans, p.all()...)
	}
	for i, a := range spans {
		for _, b := range spans[i+1:] {
			if a.begin < b.end && b.begin < a.end {
				t.Errorf("%s and %s worked at the same time, for %s", a.node, b.node,
					time.Duration(min(a.end, b.end)-max(a.begin, b.begin)))
			}
		}
	}
	if len(spans) < 5 {
		t.Errorf("%d spans of work, want 5: %v", len(spans), spans)
	}
}
