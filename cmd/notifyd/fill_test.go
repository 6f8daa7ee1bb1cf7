package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/notifyd/notifyd/internal/exectest"
)

// A keeper is a publisher that keeps what it has sent (bus/zmq/testdata/store.py): libzmq's PUB and REP sockets.
type keeper struct {
	t     *testing.T
	child *exectest.Child
	stdin io.WriteCloser
}

func startKeeper(t *testing.T, pub, replay int) *keeper {
	t.Helper()
	cmd := exec.Command(exectest.Python(t, "zmq"), filepath.Join("..", "..", "bus", "zmq", "testdata", "store.py"),
		fmt.Sprintf("tcp://127.0.0.1:%d", pub), fmt.Sprintf("tcp://127.0.0.1:%d", replay))
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	k := &keeper{t, exectest.Start(t, cmd), stdin}
	k.child.Listening(t, fmt.Sprintf("127.0.0.1:%d", replay))
	return k
}

func (k *keeper) do(format string, args ...any) {
	k.t.Helper()
	if _, err := fmt.Fprintf(k.stdin, format+"\n", args...); err != nil {
		k.t.Fatal(err)
	}
}

// published returns how many messages there are by now.
func (k *keeper) published() int {
	n := 0
	lines := bufio.NewScanner(strings.NewReader(k.child.Text()))
	for lines.Scan() {
		var event struct{ Published int }
		if json.Unmarshal(lines.Bytes(), &event) == nil {
			n = max(n, event.Published)
		}
	}
	return n
}

// A holed is a daemon on a database of its own, with one endpoint and whatever fills its holes.
type holed struct {
	t                        *testing.T
	folder, config, database string
	busPort, replay          int
	metricsPort              int
}

// newHoled configures a daemon with the endpoint "hub", and more in the sections bus.zmq and bus.
func newHoled(t *testing.T, zmq, bus func(h *holed) string) *holed {
	t.Helper()
	folder := t.TempDir()
	h := &holed{
		t: t, folder: folder, database: filepath.Join(folder, "notifyd.db"),
		busPort: exectest.FreePort(t), replay: exectest.FreePort(t), metricsPort: exectest.FreePort(t),
	}
	h.configure(zmq, bus)
	return h
}

func (h *holed) configure(zmq, bus func(h *holed) string) {
	h.t.Helper()
	h.config = writeFile(h.t, h.folder, "notifyd.yaml",
		"database: {dsn: "+h.database+"}",
		"web: {listen: ''}",
		fmt.Sprintf("metrics: {listen: '127.0.0.1:%d'}", h.metricsPort),
		"bus:",
		fmt.Sprintf("  zmq: {endpoints: {hub: 'tcp://127.0.0.1:%d'}, retry_max: 100ms%s}", h.busPort, zmq(h)),
		"  "+bus(h),
	)
}

func nothing(*holed) string { return "" }

// withReplay adds the publisher's store to the section bus.zmq.
func withReplay(h *holed) string {
	return fmt.Sprintf(", replay: {endpoints: {hub: 'tcp://127.0.0.1:%d'}, timeout: 5s}", h.replay)
}

// start starts the daemon and waits until it is connected.
func (h *holed) start() *exectest.Child {
	h.t.Helper()
	daemon := exectest.Start(h.t, exec.Command(buildNotifyd(h.t), "--config", h.config, "serve"))
	waitReady(h.t, daemon, h.metricsPort)
	waitMetric(h.t, h.metricsPort, "notifyd_source_connected{", " 1")
	return daemon
}

// missedFirst returns how many messages of a keeper were published before the daemon had subscribed for the first time.
// Nobody can know of those.
func (h *holed) missedFirst() int {
	return count(h.t, h.database, "SELECT CAST(substr(min(msg_id), 12) AS integer) - 1 FROM messages")
}

func (h *holed) stored() int { return count(h.t, h.database, "SELECT count(*) FROM messages") }

// TestReplayFillsWhatARestartMissed: what a publisher with a store sent while the daemon was stopped is there soon
// after its start, also when the publisher is silent then; and what was lost on the way while it ran.
func TestReplayFillsWhatARestartMissed(t *testing.T) {
	h := newHoled(t, withReplay, nothing)
	keeper := startKeeper(t, h.busPort, h.replay)
	first := h.start()
	exectest.Eventually(t, 20*time.Second, "messages are stored", func() bool {
		keeper.do(`{"publish": 1}`)
		return h.stored() > 3
	})
	if status := first.Stop(t); status != 0 {
		t.Fatalf("exit status %d", status)
	}
	missed := h.missedFirst()
	keeper.do(`{"publish": 250}`)
	exectest.Eventually(t, 20*time.Second, "250 more are published", func() bool { return keeper.published() > 250 })

	second := h.start()
	exectest.Eventually(t, 20*time.Second, "all are stored", func() bool {
		return h.stored() == keeper.published()-missed
	})
	before := h.stored()
	keeper.do(`{"keep": 120}`)
	keeper.do(`{"publish": 1}`)
	exectest.Eventually(t, 20*time.Second, "120 that were lost on the way are stored", func() bool {
		return h.stored() == before+121
	})
	if late := count(t, h.database, "SELECT count(*) FROM messages WHERE late"); late < 370 {
		t.Errorf("%d are marked as late, want 370 and more", late)
	}
	waitMetric(t, h.metricsPort, `notifyd_source_filled_total{by="replay",source="hub"}`, "")
	if log := second.Text(); !strings.Contains(log, "120 messages missing since") ||
		!strings.Contains(log, "none is missing") {
		t.Errorf("the log does not say it:\n%s", log)
	}
	if open := count(t, h.database, "SELECT count(*) FROM holes"); open != 0 {
		t.Errorf("%d holes are left", open)
	}
}

// A grepper is a datagrepper that has everything which was told to it.
type grepper struct {
	mu       sync.Mutex
	messages []string
}

func (g *grepper) tell(i int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.messages = append(g.messages, fmt.Sprintf(`{"topic": "org.example.test.git.receive", "msg_id": "2026-dg-%d", `+
		`"i": %d, "timestamp": %d.0, "username": "apache", "msg": {"n": %d}, "headers": {}, "source_name": "datanommer", `+
		`"source_version": "0.8.1"}`, i, i, time.Now().Unix(), i))
}

func (g *grepper) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	fmt.Fprintf(w, `{"count": %d, "pages": 1, "total": %d, "raw_messages": [%s]}`, len(g.messages), len(g.messages),
		strings.Join(g.messages, ","))
}

// TestADatagrepperFillsWhatARestartMissed, where the publisher keeps nothing. The archive is away at first.
func TestADatagrepperFillsWhatARestartMissed(t *testing.T) {
	python := exectest.Python(t, "zmq")
	archive := &grepper{}
	var away atomic.Bool
	away.Store(true)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if away.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		archive.ServeHTTP(w, r)
	}))
	defer server.Close()
	h := newHoled(t, nothing, func(*holed) string {
		return fmt.Sprintf("backlog: {datagrepper: '%s', margin: 2s, retry_first: 100ms}", server.URL)
	})
	publisher := startPublisher(t, python, h.busPort)
	say := func(from, to int) {
		for i := from; i <= to; i++ {
			publisher.say(t, "org.example.test.git.receive", fmt.Sprintf("2026-dg-%d", i), i, map[string]any{"n": i})
			archive.tell(i)
		}
	}
	first := h.start()
	exectest.Eventually(t, 20*time.Second, "the first three are stored", func() bool {
		say(1, 3)
		return h.stored() == 3
	})
	first.Kill()
	say(4, 8)
	second := h.start()
	exectest.Eventually(t, 20*time.Second, "messages after the restart are stored", func() bool {
		say(9, 11)
		return h.stored() >= 6
	})
	away.Store(false)
	exectest.Eventually(t, 30*time.Second, "all eleven are stored", func() bool { return h.stored() == 11 })
	waitMetric(t, h.metricsPort, `notifyd_source_filled_total{by="datagrepper",source="hub"}`, " 5")
	exectest.Eventually(t, 30*time.Second, "the log says that nothing is missing", func() bool {
		return strings.Contains(second.Text(), "none is missing") || strings.Contains(second.Text(), "there are no more")
	})
}

// TestADatagrepperFillsForASourceFoundLater: an endpoint is on no list when the daemon starts, and on it again later.
// What it has sent meanwhile is there then; and again, after it was off the list for a while.
func TestADatagrepperFillsForASourceFoundLater(t *testing.T) {
	python := exectest.Python(t, "zmq")
	archive := &grepper{}
	server := httptest.NewServer(archive)
	defer server.Close()
	h := newHoled(t, nothing, nothing)
	list := func(lines ...string) string { return writeFile(t, h.folder, "endpoints.yaml", lines...) }
	relay := fmt.Sprintf("relay: tcp://127.0.0.1:%d", h.busPort)
	h.config = writeFile(t, h.folder, "notifyd.yaml", "database: {dsn: "+h.database+"}", "web: {listen: ''}",
		fmt.Sprintf("metrics: {listen: '127.0.0.1:%d'}", h.metricsPort), "bus:",
		fmt.Sprintf("  zmq: {endpoints_file: %q, endpoints_check: 100ms, retry_max: 100ms}", list(relay)),
		fmt.Sprintf("  backlog: {datagrepper: '%s', margin: 2s, retry_first: 100ms}", server.URL))
	publisher := startPublisher(t, python, h.busPort)
	say := func(from, to int) {
		for i := from; i <= to; i++ {
			publisher.say(t, "org.example.test.git.receive", fmt.Sprintf("2026-dg-%d", i), i, map[string]any{"n": i})
			archive.tell(i)
		}
	}
	first := h.start()
	exectest.Eventually(t, 20*time.Second, "the first three are stored", func() bool {
		say(1, 3)
		return h.stored() == 3
	})
	first.Kill()
	list("relay: []")
	say(4, 8)
	second := exectest.Start(t, exec.Command(buildNotifyd(t), "--config", h.config, "serve"))
	waitReady(t, second, h.metricsPort)
	for _, round := range []struct{ all, silent int }{{8, 13}, {13, 18}} {
		list(relay) // and it says nothing more
		exectest.Eventually(t, 30*time.Second, "what it sent meanwhile is stored", func() bool {
			return h.stored() == round.all
		})
		list("relay: []")
		exectest.Eventually(t, 20*time.Second, "the endpoint is gone", func() bool {
			return !strings.Contains(metricsText(t, h.metricsPort), "notifyd_source_connected{address")
		})
		say(round.all+1, round.silent)
		pause(t, 1500*time.Millisecond) // the daemon looks every second which sources are there
	}
}
