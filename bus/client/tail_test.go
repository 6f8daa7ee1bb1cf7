package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/internal/exectest"
)

// A list is a source of frames that ends.
type list struct {
	frames []bus.Frame
	err    error // of Run
	acked  int
}

func (l *list) Run(ctx context.Context, in *bus.Intake) error {
	for _, f := range l.frames {
		f.Source, f.Ack = "list", func() { l.acked++ }
		if err := in.Put(ctx, f); err != nil {
			return nil
		}
	}
	return l.err
}

func frame(id, topic string) bus.Frame {
	return bus.Frame{Topic: topic, Payload: fmt.Appendf(nil, `{"topic":%q,"msg_id":%q,"msg":{}}`, topic, id)}
}

func TestTailGivesEachMessageOnce(t *testing.T) {
	l := &list{frames: []bus.Frame{frame("a", "x.1"), {Topic: "x", Payload: []byte("{")}, frame("a", "x.1"),
		frame("b", "y"), frame("c", "x.2"), frame("d", "x.3")}}
	var got []string
	var skipped []error
	skip := Skipped(func(err error) { skipped = append(skipped, err) })
	for m, err := range Tail(t.Context(), From(l), Topics("x.*"), skip,
		Keep(func(m *bus.Message) bool { return m.ID != "c" })) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, m.ID)
	}
	if fmt.Sprint(got) != "[a d]" || len(skipped) != 1 || !errors.Is(skipped[0], bus.ErrMalformed) || l.acked != 6 {
		t.Errorf("got %q, skipped %v, acknowledged %d", got, skipped, l.acked)
	}
}

// TestTailAcknowledgesWhatWasDoneWith: a message counts as taken after the body of the loop, and not before.
func TestTailAcknowledgesWhatWasDoneWith(t *testing.T) {
	l := &list{frames: []bus.Frame{frame("a", "x"), frame("b", "x"), frame("c", "x")}}
	n := 0
	for range Tail(t.Context(), From(l)) {
		if l.acked != n {
			t.Errorf("message %d: %d acknowledged", n+1, l.acked)
		}
		if n++; n == 2 {
			break
		}
	}
	if l.acked != 2 {
		t.Errorf("%d acknowledged after the loop", l.acked)
	}
	l = &list{frames: []bus.Frame{frame("a", "x")}}
	func() {
		defer func() { _ = recover() }()
		for range Tail(t.Context(), From(l)) {
			panic("the body fails")
		}
	}()
	if l.acked != 0 {
		t.Error("acknowledged what nobody was done with")
	}
}

func TestTailErrorIsTheLast(t *testing.T) {
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		options []TailOption
		env     string
		want    string
	}{
		"source":    {[]TailOption{From(&list{frames: []bus.Frame{frame("a", "x")}, err: broken})}, "", "broken"},
		"nothing":   {nil, "", "there is nothing to listen to: "},
		"address":   {[]TailOption{Endpoint("http://a")}, "", `address "http://a"`},
		"topic":     {[]TailOption{Endpoint("tcp://a:1"), Topics("a.*.b")}, "", "at the end only"},
		"env":       {nil, "{a: 1}", "environment NOTIFYD_BUS__ZMQ__ENDPOINTS: "},
		"no file":   {[]TailOption{EndpointsFile("/nowhere")}, "", "/nowhere"},
		"no domain": {[]TailOption{SRV("a b")}, "", "srv"},
	} {
		t.Setenv("NOTIFYD_BUS__ZMQ__ENDPOINTS", c.env)
		var errs []error
		for _, err := range Tail(t.Context(), append(c.options, quiet)...) {
			errs = append(errs, err)
		}
		if n := len(errs); n == 0 || errs[n-1] == nil || !strings.Contains(errs[n-1].Error(), c.want) ||
			n == 2 && errs[0] != nil || n > 2 {
			t.Errorf("%s: %v, want %s", name, errs, c.want)
		}
	}
}

// TestTailByTheEnvironment: endpoints are found as the commands find them.
func TestTailByTheEnvironment(t *testing.T) {
	p := crier(t)
	file := filepath.Join(t.TempDir(), "endpoints.yaml")
	if err := os.WriteFile(file, []byte("one: "+p.Addr()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"ENDPOINTS":      fmt.Sprintf(`{"endpoints": {"a": [%q]}, "relay_inbound": "tcp://127.0.0.1:1"}`, p.Addr()),
		"ENDPOINTS_FILE": file,
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(zmqVariable+name, value)
			t.Setenv(zmqVariable+"TOPICS", "org.example.dev.sea")
			for m, err := range Tail(t.Context(), quiet) {
				if err != nil || !strings.HasPrefix(m.Topic, "org.example.dev.sea") {
					t.Errorf("%v, %v", m, err)
				}
				break
			}
		})
	}
}

// crier publishes under two topics until the test ends.
func crier(t *testing.T) *Publisher {
	t.Helper()
	p, err := NewPublisher(quiet, Bind("tcp://127.0.0.1:0"), Prefix("org.example"), Wait(time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			for _, topic := range []string{"org.example.dev.land", "org.example.dev.sea"} {
				if _, err := p.Publish(ctx, topic, 1); err != nil && !errors.Is(err, ErrNobody) && ctx.Err() == nil {
					t.Error(err)
				}
			}
			<-tick.C
		}
	}()
	t.Cleanup(func() { cancel(); <-ended; p.stop() })
	return p
}

// TestTailAndHostilePublishers: whatever strangers send, the honest one is heard, and all that was started ends.
func TestTailAndHostilePublishers(t *testing.T) {
	before := runtime.NumGoroutine()
	t.Run("attack", func(t *testing.T) {
		greeting := append([]byte("\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x03\x00NULL"), make([]byte, 48)...)
		ready := []byte("\x04\x19\x05READY\x0bSocket-Type\x00\x00\x00\x03PUB")
		attacks := []string{
			"", "GET / HTTP/1.0\r\n\r\n", strings.Repeat("\xff", 1<<16), string(greeting),
			string(greeting) + string(ready) + "\x02\xff\xff\xff\xff\xff\xff\xff\xff",
			string(greeting) + string(ready) + strings.Repeat("\x01\x01a\x00\x01{", 1000),
			string(greeting) + string(ready) + strings.Repeat("\x01\x01a", 100_000),
			string(greeting) + string(ready) + "\x01\x00\x00\x00",
		}
		options := []TailOption{quiet, Skipped(func(error) {})}
		for _, text := range attacks {
			options = append(options, Endpoint("tcp://"+attacker(t, text)))
		}
		p := crier(t)
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		n := 0
		for m, err := range Tail(ctx, append(options, Endpoint(p.Addr()))...) {
			if err != nil || !strings.HasPrefix(m.Topic, "org.example.dev.") {
				t.Errorf("got %v, %v", m, err)
			}
			if n++; n == 50 {
				break
			}
		}
		if n != 50 {
			t.Errorf("%d messages of the honest publisher", n)
		}
	})
	exectest.Eventually(t, 20*time.Second, "all that was started has ended",
		func() bool { return runtime.NumGoroutine() <= before })
}

// attacker says a text to whoever connects, and then nothing.
func attacker(t *testing.T, text string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				if _, err := io.WriteString(c, text); err == nil {
					_, _ = io.Copy(io.Discard, c)
				}
			}()
		}
	}()
	return l.Addr().String()
}

// TestWithPyzmq: a real pyzmq reads what Publish says to many, and Tail what a real pyzmq says, in the form of fedmsg.
func TestWithPyzmq(t *testing.T) {
	python := exectest.Python(t, "zmq")
	address := fmt.Sprintf("tcp://127.0.0.1:%d", exectest.FreePort(t))
	var subscribers []*exectest.Child
	for range 3 {
		subscribers = append(subscribers, exectest.Start(t, exec.Command(python, "-c", `
import json, sys, zmq
s = zmq.Context().socket(zmq.SUB); s.setsockopt(zmq.SUBSCRIBE, b"org.fedoraproject.dev.test"); s.connect(sys.argv[1])
topic, body = s.recv_multipart()
m = json.loads(body); print("GOT", topic.decode(), m["msg"], m["topic"], m["i"], flush=True)
s.recv_multipart()
`, address)))
	}
	if err := Publish(t.Context(), "testing", map[string]string{"test": "Hello World"}, quiet, Modname("test"),
		Bind(address), Subscribers(3), Wait(20*time.Second)); err != nil {
		t.Fatal(err)
	}
	for _, s := range subscribers {
		exectest.Eventually(t, 20*time.Second, "a subscriber has it", func() bool {
			return strings.Contains(s.Text(), "GOT org.fedoraproject.dev.test.testing {'test': 'Hello World'} "+
				"org.fedoraproject.dev.test.testing 1")
		})
	}
	address = fmt.Sprintf("tcp://127.0.0.1:%d", exectest.FreePort(t))
	exectest.Start(t, exec.Command(python, "-c", `
import json, sys, time, uuid, zmq
s = zmq.Context().socket(zmq.PUB); s.bind(sys.argv[1])
for i in range(1, 10**6):
    t = "org.fedoraproject.prod.bodhi.update.comment"
    s.send_multipart([t.encode(), json.dumps({"topic": t, "i": i, "timestamp": time.time(), "username": "apache",
        "msg_id": "2026-" + str(uuid.uuid4()), "msg": {"comment": {"karma": 1}}}).encode()])
    time.sleep(0.02)
`, address))
	for m, err := range Tail(t.Context(), quiet, Endpoint(address), Topics("org.fedoraproject.*")) {
		if err != nil || m.Topic != "org.fedoraproject.prod.bodhi.update.comment" || fmt.Sprint(m.Body) !=
			"map[comment:map[karma:1]]" || m.Username != "apache" {
			t.Errorf("got %+v, %v", m, err)
		}
		break
	}
}

// TestLogsSeldom: a flood of what is no message is one line a minute.
func TestLogsSeldom(t *testing.T) {
	var lines strings.Builder
	now := time.Unix(1_780_000_000, 0)
	s := &seldom{log: slog.New(slog.NewTextHandler(&lines, nil)), now: func() time.Time { return now }}
	for range 100 {
		s.tell(bus.ErrMalformed)
	}
	now = now.Add(time.Minute)
	s.tell(bus.ErrMalformed)
	if n := strings.Count(lines.String(), "\n"); n != 2 || !strings.Contains(lines.String(), "=100\n") {
		t.Errorf("%d lines: %s", n, &lines)
	}
}
