package relay

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/trust"
	"github.com/notifyd/notifyd/internal/exectest"
	"github.com/notifyd/notifyd/internal/pkitest"
	"github.com/notifyd/notifyd/internal/watch"
)

// pyPublisher connects as fedmsg does in its active mode, waits until the relay has subscribed, and sends the messages
// of its standard input: each line is a list of frames in base64. Then it stays, as the linger of fedmsg does.
const pyPublisher = `
import base64, json, sys, zmq
s = zmq.Context().socket(zmq.XPUB); s.setsockopt(zmq.SNDHWM, 0); s.connect(sys.argv[1]); s.recv()
for line in sys.stdin: s.send_multipart([base64.b64decode(f) for f in json.loads(line)])
s.recv()
`

// pySubscriber prints the frames of each message, a line a message.
const pySubscriber = `
import base64, json, sys, zmq
s = zmq.Context().socket(zmq.SUB); s.connect(sys.argv[1]); s.setsockopt(zmq.SUBSCRIBE, b"")
while True: print(json.dumps([base64.b64encode(f).decode() for f in s.recv_multipart()]), flush=True)
`

// A message is what goes over the wire: a topic and a body, whatever it is.
type message struct{ topic, body string }

// A fixture is a relay that runs in this process, with a subscriber.
type fixture struct {
	*Relay
	subscriber *exectest.Child
	log        *exectest.Log
	stop       func()
}

// start runs a relay.
func start(t *testing.T, c Config) *fixture {
	t.Helper()
	f := &fixture{log: &exectest.Log{}}
	c.Out, c.Queue, c.Now, c.Log = "tcp://127.0.0.1:0", 10000, time.Now, slog.New(slog.NewTextHandler(f.log, nil))
	var err error
	if f.Relay, err = Open(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- f.Run(ctx) }()
	f.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(f.stop)
	f.subscriber = exectest.Start(t, exec.Command(exectest.Python(t, "zmq"), "-c", pySubscriber, f.Out()))
	waiting, enough := context.WithTimeout(ctx, 20*time.Second)
	defer enough()
	if err := f.out.WaitSubscribed(waiting, "any"); err != nil {
		t.Fatal(err)
	}
	return f
}

// publishTo sends messages by a libzmq socket of its own.
func publishTo(t *testing.T, address string, messages ...message) {
	t.Helper()
	var lines strings.Builder
	for _, m := range messages {
		line, err := json.Marshal([][]byte{[]byte(m.topic), []byte(m.body)})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&lines, "%s\n", line)
	}
	cmd := exec.Command(exectest.Python(t, "zmq"), "-c", pyPublisher, address)
	cmd.Stdin = strings.NewReader(lines.String())
	exectest.Start(t, cmd)
}

// received waits until the subscriber has n messages.
func (f *fixture) received(t *testing.T, n int) []message {
	t.Helper()
	exectest.Eventually(t, 20*time.Second, "received",
		func() bool { return strings.Count(f.subscriber.Text(), "\n") >= n })
	var all []message
	for line := range strings.Lines(f.subscriber.Text()) {
		var frames [][]byte
		if err := json.Unmarshal([]byte(line), &frames); err != nil || len(frames) != 2 {
			t.Fatalf("%q: %v", line, err)
		}
		all = append(all, message{string(frames[0]), string(frames[1])})
	}
	return all
}

func TestRelayHandsOnUnchanged(t *testing.T) {
	f := start(t, Config{In: []string{"tcp://127.0.0.1:0", "ipc://" + t.TempDir() + "/in"}})
	first, second := make([]message, 100), make([]message, 100)
	for i := range first {
		first[i] = message{"org.example.a", fmt.Sprintf(`{ "topic":"other", "n" : %d.50, "ü": "\u00fc" }`, i)}
		second[i] = message{"org.example.b", fmt.Sprintf("%d no JSON \x00\xff%s", i, strings.Repeat("x", i*10))}
	}
	publishTo(t, f.in[0].Addr(), first...)
	publishTo(t, f.in[1].Addr(), second...)
	all := f.received(t, 200)
	for topic, want := range map[string][]message{"org.example.a": first, "org.example.b": second} {
		got := slices.DeleteFunc(slices.Clone(all), func(m message) bool { return m.topic != topic })
		if !slices.Equal(got, want) {
			t.Errorf("%s: %d messages, want the %d that were sent, in their order", topic, len(got), len(want))
		}
	}
}

func TestRelaySigns(t *testing.T) {
	p, err := pkitest.New(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := p.Write(folder); err != nil {
		t.Fatal(err)
	}
	file := func(name string) []byte {
		text, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	c := Config{In: []string{"tcp://127.0.0.1:0"}}
	if c.Signer, err = trust.NewSigner(file(pkitest.Shell+".crt"), file(pkitest.Shell+".key")); err != nil {
		t.Fatal(err)
	}
	keys := trust.Config{CA: filepath.Join(folder, "ca.crt"), CRL: filepath.Join(folder, "crl.pem")}
	if c.Verifier, err = watch.New(trust.Files(keys), time.Hour, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	f := start(t, c)

	envelope := func(id string) map[string]any {
		return map[string]any{"topic": "org.example.t", "msg": map[string]any{"id": id}, "msg_id": id, "i": 1,
			"timestamp": p.Now.Unix()}
	}
	body := func(e map[string]any) message { return message{"org.example.t", string(pkitest.Canonical(e))} }
	forged := p.Sign(pkitest.Git, envelope("forged"))
	forged["i"] = 2
	old := envelope("old")
	old["timestamp"] = p.Now.AddDate(0, -3, 0).Unix()
	spaced := message{"org.example.t", strings.ReplaceAll(body(p.Sign(pkitest.Git, envelope("spaced"))).body, ",", ", ")}
	passed := []message{body(p.Sign(pkitest.Git, envelope("signed"))), body(p.Sign(pkitest.Git, old)), spaced}
	signed := []message{
		body(envelope("unsigned")), body(forged), body(p.Sign(pkitest.Foreign, envelope("foreign"))),
		body(p.Sign(pkitest.Revoked, envelope("revoked"))), body(p.SignBody(envelope("gpg"))),
	}
	nonsense := []message{
		{"org.example.t", "text"}, {"org.example.t", "[]"}, {"org.example.t", ""}, {"org.example.t", "\xff"},
		{"org.example.t", `{"msg":{}}`}, {"org.example.t", `{"topic":null,"msg":{}}`},
		{"org.example.other", body(envelope("x")).body}, {"org.example.t", `{"topic":"org.example.t","msg":{}} {}`},
	}
	publishTo(t, f.in[0].Addr(), slices.Concat(passed, nonsense, signed)...)
	got := f.received(t, len(passed)+len(signed))
	if !slices.Equal(got[:len(passed)], passed) {
		t.Errorf("what is signed was changed to %q", got[:len(passed)])
	}
	for i, m := range got[len(passed):] {
		decoded, err := bus.Decode(bus.Frame{Topic: m.topic, Payload: []byte(m.body)}, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if s, _ := c.Verifier.Load().Judge(decoded, time.Now()); s.Verdict != bus.Signed || s.Signer != pkitest.Shell {
			t.Errorf("message %d: %s (%s), want signed by the relay", i, s.Words(), s.Reason)
		}
	}
	if n := f.meter.Traffic().Dropped["no_envelope"]; n != uint64(len(nonsense)) {
		t.Errorf("%d dropped, want %d", n, len(nonsense))
	}
	f.stop()
	f.reportProblems()
	f.config.Now = func() time.Time { return p.Now.AddDate(5, 0, 0) }
	f.reportProblems()
	for _, problem := range []string{"nobody will believe", "the certificate of the CA Test CA is valid from"} {
		if strings.Count(f.log.String(), problem) != 1 {
			t.Errorf("the log does not say %q once: %s", problem, f.log)
		}
	}
	if !strings.Contains(f.log.String(), "reason=no_envelope") {
		t.Errorf("the log says %s", f.log)
	}
}

// TestRelayEndsWithoutLoss: what the relay has received when it ends still reaches its subscribers.
func TestRelayEndsWithoutLoss(t *testing.T) {
	f := start(t, Config{In: []string{"tcp://127.0.0.1:0"}})
	sent := make([]message, 3000)
	for i := range sent {
		sent[i] = message{"org.example.t", fmt.Sprintf(`{"topic":"org.example.t","msg":%d}`, i)}
	}
	publishTo(t, f.in[0].Addr(), sent...)
	exectest.Eventually(t, 20*time.Second, "begun", func() bool { return f.meter.Traffic().Received > 100 })
	f.stop()
	handedOn := int(f.meter.Traffic().Received)
	got := f.received(t, handedOn)
	if !slices.Equal(got, sent[:handedOn]) {
		t.Errorf("%d messages came, not the first %d in their order", len(got), handedOn)
	}
	line := fmt.Sprintf("received=%d handed_on=%d", handedOn, handedOn)
	if !strings.Contains(f.log.String(), line) {
		t.Errorf("%d were handed on; the log says %s", handedOn, f.log)
	}
}

func TestRelayNeedsEveryAddress(t *testing.T) {
	f := start(t, Config{In: []string{"tcp://127.0.0.1:0"}})
	free := "ipc://" + t.TempDir() + "/free"
	for _, c := range []Config{
		{In: []string{free}, Out: f.Out(), Queue: 1},
		{In: []string{free, f.in[0].Addr()}, Out: free + "-out", Queue: 1},
		{In: []string{free, free}, Out: free + "-out", Queue: 1},
	} {
		c.Now, c.Log = time.Now, slog.New(slog.DiscardHandler)
		_, err := Open(t.Context(), c)
		if err == nil || !strings.Contains(err.Error(), "address already in use") {
			t.Errorf("%+v: %v", c, err)
		}
		if conn, err := net.Dial("unix", strings.TrimPrefix(free, "ipc://")); err == nil {
			conn.Close()
			t.Errorf("%+v has left a socket open", c)
		}
	}
}
