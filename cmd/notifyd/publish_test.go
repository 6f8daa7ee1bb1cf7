package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/cmd/notifyd/tail"
	"github.com/notifyd/notifyd/internal/exectest"
)

// pyRelay forwards every message that it receives, as fedmsg-relay does, and prints it: real libzmq on both sides of
// ours.
const pyRelay = `
import json, sys, zmq
c = zmq.Context()
i = c.socket(zmq.SUB); i.bind(sys.argv[1]); i.setsockopt(zmq.SUBSCRIBE, b"")
o = c.socket(zmq.XPUB); o.bind(sys.argv[2])
p = zmq.Poller(); p.register(i, zmq.POLLIN); p.register(o, zmq.POLLIN)
while True:
    for s, _ in p.poll():
        m = s.recv_multipart()
        if s is o: print("SUBSCRIBED" if m[0][:1] == b"\x01" else "LEFT", flush=True)
        else: o.send_multipart(m); print(json.dumps([f.decode() for f in m]), flush=True)
`

// A fedmsgRelay is pyRelay running.
type fedmsgRelay struct {
	*exectest.Child
	inbound, outbound string
}

func startRelay(t *testing.T) *fedmsgRelay {
	t.Helper()
	r := &fedmsgRelay{inbound: fmt.Sprintf("tcp://127.0.0.1:%d", exectest.FreePort(t)),
		outbound: fmt.Sprintf("tcp://127.0.0.1:%d", exectest.FreePort(t))}
	r.Child = exectest.Start(t, exec.Command(exectest.Python(t, "zmq"), "-c", pyRelay, r.inbound, r.outbound))
	r.Listening(t, strings.TrimPrefix(r.outbound, "tcp://"))
	return r
}

// subscribed waits until n have subscribed to the relay.
func (r *fedmsgRelay) subscribed(t *testing.T, n int) {
	t.Helper()
	exectest.Eventually(t, 20*time.Second, "subscribed to the relay",
		func() bool { return strings.Count(r.Text(), "SUBSCRIBED") >= n })
}

// command runs the program in this process and returns its exit status and its output.
func command(ctx context.Context, stdin string, args ...string) (status int, stdout, stderr string) {
	var out, problems exectest.Log
	e := &env{
		ctx: ctx, stdin: strings.NewReader(stdin), stdout: &out, stderr: &problems, now: time.Now,
		log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
	status = run(e, args)
	return status, out.String(), problems.String()
}

func TestPublishAndTailThroughALibzmqRelay(t *testing.T) {
	r := startRelay(t)
	const count = 6
	outputs := make([]string, 3)
	var tails sync.WaitGroup
	for i, form := range []string{"--json", "--terse", "--pretty"} {
		tails.Go(func() {
			status, out, problems := command(t.Context(), "", "tail", "--endpoint", r.outbound, "--topic", "org.example.", form,
				"-n", fmt.Sprint(count))
			if status != 0 {
				t.Errorf("tail %s: %s", form, problems)
			}
			outputs[i] = out
		})
	}
	r.subscribed(t, 1) // libzmq reports only the first subscription to a prefix
	first := []string{"publish", "--connect", r.inbound, "--prefix", "org.example", "--modname", "git", "--topic",
		"receive"}
	publish := func(stdin string, args ...string) {
		t.Helper()
		if status, out, problems := command(t.Context(), stdin, append(first[:len(first):len(first)],
			args...)...); status != 0 || out != "" {
			t.Fatalf("publish %v: %d, %q, %s", args, status, out, problems)
		}
	}
	// Each tail subscribes at its own moment: publish until every tail has its messages.
	done := make(chan struct{})
	go func() { tails.Wait(); close(done) }()
	for n := 0; ; n++ {
		publish("one\n\n two wörld \n")
		publish("", "-m", "with a text")
		publish(`{"x": 1.0, "s": "\u001b[2J\u202e"}`, "--json")
		select {
		case <-done:
		default:
			continue
		}
		break
	}
	checkTails(t, outputs, count)
	for _, want := range []string{`{\"log\":\"two w\\u00f6rld\"}`, `{\"log\":\"with a text\"}`, `\"x\":1.0}`} {
		if !strings.Contains(r.Text(), want) {
			t.Errorf("relay saw no %s in %.2000s", want, r.Text())
		}
	}
}

func checkTails(t *testing.T, outputs []string, count int) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(outputs[0]), "\n")
	if len(lines) != count {
		t.Errorf("tail --json wrote %d lines, want %d", len(lines), count)
	}
	for _, line := range lines {
		m, err := bus.DecodeLine([]byte(line), time.Now())
		if err != nil || m.Topic != "org.example.dev.git.receive" || m.Counter < 1 || m.Username == "" ||
			time.Since(m.Time) > time.Hour {
			t.Errorf("tail --json wrote %q: %+v, %v", line, m, err)
		}
	}
	if n := strings.Count(outputs[1], "\n"); n != count || strings.Count(outputs[1], "git.receive -- ") != count {
		t.Errorf("tail --terse wrote %q", outputs[1])
	}
	d := json.NewDecoder(strings.NewReader(outputs[2]))
	for n := 0; ; n++ {
		var v map[string]any
		if err := d.Decode(&v); err != nil {
			if err != io.EOF || n != count {
				t.Errorf("tail --pretty: %d documents, %v", n, err)
			}
			break
		}
	}
	for _, out := range outputs {
		if strings.ContainsFunc(out, tail.Hidden) {
			t.Errorf("control characters in %q", out)
		}
	}
}

func TestPublishBindsAndWaitsForASubscriber(t *testing.T) {
	address := fmt.Sprintf("tcp://127.0.0.1:%d", exectest.FreePort(t))
	sub := exectest.Start(t, exec.Command(exectest.Python(t, "zmq"), "-c", `
import sys, zmq
s = zmq.Context().socket(zmq.SUB); s.setsockopt(zmq.SUBSCRIBE, b"org.example"); s.connect(sys.argv[1])
for n in range(3000): s.recv_multipart()
print("ALL", s.recv_multipart()[0].decode(), flush=True)
s.recv_multipart() # stays, or publish might find it gone before it knows that all has arrived
`, address))
	var lines strings.Builder
	for n := range 3001 { // more than a subscriber's queue holds: publish must wait for it
		fmt.Fprintln(&lines, n)
	}
	status, _, problems := command(t.Context(), lines.String(), "publish", "--bind", address, "--prefix", "org.example",
		"--wait", "20s")
	if status != 0 || !strings.Contains(problems, "listening at "+address) {
		t.Errorf("publish: %d, %s", status, problems)
	}
	exectest.Eventually(t, 20*time.Second, "all received", func() bool {
		return strings.Contains(sub.Text(),
			"ALL org.example.dev.logger.log")
	})
}

func TestPublishSaysWhatIsWrong(t *testing.T) {
	nobody := fmt.Sprintf("tcp://127.0.0.1:%d", exectest.FreePort(t))
	for _, c := range []struct{ args, want string }{
		{"publish -m x --wait 100ms --connect " + nobody, "no relay answers at " + nobody},
		{"publish -m x --wait 100ms --bind tcp://127.0.0.1:0", "no subscriber came"},
		{"publish -m x --connect http://a", `address "http://a"`},
		{"publish -m x --connect tcp://a:1 --bind tcp://b:1", "can't be used together"},
		{"publish -m x --topic \x1b", "control character"},
		{"publish -m x --sign", "--sign: by what?"},
		{"publish -m x --key k", "belong together"},
		{"publish -m x --sign --cert missing --key missing", "sign: open"},
		{"tail", "there is nothing to listen to"},
		{"tail --endpoint x", `address "x"`},
		{"tail --endpoint tcp://a:1 --include (", "--include"},
		{"tail --endpoint tcp://a:1 --exclude (?!x)", "--exclude"},
		{"tail --endpoint tcp://a:1 --query a..b", "--query"},
		{"tail --endpoint tcp://a:1 --filter missing", "read filters: open"},
		{"tail --endpoint tcp://a:1 --terse --json", "can't be used together"},
		{"tail --endpoint tcp://a:1 --ca missing", "ca: open"},
		{"tail --endpoint tcp://a:1 --validate --policy a=b", "there is nothing to check messages by"},
		{"tail --endpoint tcp://a:1 --topic a.*.b", "at the end only"},
	} {
		status, out, problems := command(t.Context(), "", strings.Fields(c.args)...)
		if status == 0 || !strings.Contains(problems, c.want) {
			t.Errorf("%s: %d, %q, want %q", c.args, status, problems, c.want)
		}
		_ = out
	}
}

// TestPublishBindReachesAllThatWait: subscribers look for the address again at most a second later, as fedmsg's do,
// each in a rhythm of its own. A publisher that is there for a moment must reach them all.
func TestPublishBindReachesAllThatWait(t *testing.T) {
	address := fmt.Sprintf("tcp://127.0.0.1:%d", exectest.FreePort(t))
	subs := exectest.Start(t, exec.Command(exectest.Python(t, "zmq"), "-u", "-c", `
import sys, time, zmq
c = zmq.Context(); p = zmq.Poller()
for n in range(4):
    s = c.socket(zmq.SUB); s.setsockopt(zmq.SUBSCRIBE, b"org.")
    s.setsockopt(zmq.RECONNECT_IVL, 100); s.setsockopt(zmq.RECONNECT_IVL_MAX, 1000)
    s.connect(sys.argv[1]); p.register(s); time.sleep(0.2)
time.sleep(1.5)
print("waiting", flush=True)
while True:
    for s, _ in p.poll(): print("got", s.recv_multipart()[1], flush=True)
`, address))
	exectest.Eventually(t, 20*time.Second, "subscribers wait", func() bool {
		return strings.Contains(subs.Text(), "waiting")
	})
	for round := range 3 {
		status, _, problems := command(t.Context(), "", "publish", "--bind", address, "-m", fmt.Sprint("round ", round))
		if status != 0 || !strings.Contains(problems, "taken by 4 subscribers") {
			t.Errorf("publish: %d, %s", status, problems)
		}
		exectest.Eventually(t, 20*time.Second, "all received", func() bool {
			return strings.Count(subs.Text(), fmt.Sprint("round ", round)) == 4
		})
	}
}
