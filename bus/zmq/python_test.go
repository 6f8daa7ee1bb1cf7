package zmq

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/internal/exectest"
)

// A pyPeer is testdata/peer.py running: a real libzmq socket.
type pyPeer struct {
	t      testing.TB
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	events chan pyEvent
	addr   string
	replay string // of store.py
}

type pyEvent struct {
	Ready      string
	Replay     string
	Published  int
	Asked      json.RawMessage
	Subscribed *string
	Received   []string
	Sizes      []int
}

// startPython starts a peer and waits until its socket is bound or connecting.
func startPython(t testing.TB, args ...string) *pyPeer {
	t.Helper()
	return startScript(t, "testdata/peer.py", args...)
}

// startScript starts a program of testdata that speaks as peer.py does, and waits until it is ready.
func startScript(t testing.TB, script string, args ...string) *pyPeer {
	t.Helper()
	python := exectest.Python(t, "zmq")
	p := &pyPeer{
		t: t, cmd: exec.Command(python, append([]string{script}, args...)...), events: make(chan pyEvent, 10000),
	}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var stderr bytes.Buffer
	p.cmd.Stderr = &stderr
	var err error
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { // ends with the child
		defer close(p.events)
		lines := bufio.NewScanner(stdout)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			var e pyEvent
			if json.Unmarshal(lines.Bytes(), &e) == nil {
				p.events <- e
			}
		}
	}()
	t.Cleanup(p.kill)
	e := p.next()
	if e.Ready == "" {
		t.Fatalf("peer said %+v, then %s", e, stderr.String())
	}
	p.addr, p.replay = e.Ready, e.Replay
	return p
}

// kill ends the child at once, as a crash would.
func (p *pyPeer) kill() {
	if p.cmd.Process == nil || p.cmd.ProcessState != nil {
		return
	}
	p.cmd.Process.Kill()
	for range p.events {
	}
	p.cmd.Wait()
}

func (p *pyPeer) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// do sends a command, given as JSON.
func (p *pyPeer) do(format string, args ...any) {
	p.t.Helper()
	if _, err := fmt.Fprintf(p.stdin, format+"\n", args...); err != nil {
		p.t.Fatal(err)
	}
}

// next gives the next event.
func (p *pyPeer) next() pyEvent {
	p.t.Helper()
	select {
	case e, ok := <-p.events:
		if !ok {
			p.t.Fatal("peer has ended")
		}
		return e
	case <-time.After(20 * time.Second):
		p.t.Fatal("peer says nothing")
	}
	return pyEvent{}
}

// subscribed waits for a subscription to prefix at an XPUB.
func (p *pyPeer) subscribed(prefix string) {
	p.t.Helper()
	if e := p.next(); e.Subscribed == nil || *e.Subscribed != prefix {
		p.t.Fatalf("event %+v, want a subscription to %q", e, prefix)
	}
}

// sendFrames sends messages of any bytes, in order. It may be called by any goroutine, and fails without ending it.
func (p *pyPeer) sendFrames(t testing.TB, messages ...bus.Frame) int {
	for _, m := range messages {
		command, err := json.Marshal(map[string]any{"base64": [][]byte{[]byte(m.Topic), m.Payload}})
		if err == nil {
			_, err = p.stdin.Write(append(command, '\n'))
		}
		if err != nil {
			t.Errorf("publish: %v", err)
		}
	}
	return len(messages)
}

// quiet is a logger for tests whose log does not matter.
func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// eventually polls until ok.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(20 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not in time: %s", what)
		}
	}
}

// noLeaks checks at the end of the test that every goroutine begun meanwhile has ended. Call it first.
func noLeaks(t testing.TB) {
	t.Helper()
	before := runtime.NumGoroutine()
	t.Cleanup(func() {
		deadline := time.Now().Add(10 * time.Second)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for runtime.NumGoroutine() > before && time.Now().Before(deadline) {
			<-tick.C
		}
		if n := runtime.NumGoroutine(); n > before {
			stacks := make([]byte, 1<<20)
			t.Errorf("%d goroutines before, %d after\n%s", before, n, stacks[:runtime.Stack(stacks, true)])
		}
	})
}
