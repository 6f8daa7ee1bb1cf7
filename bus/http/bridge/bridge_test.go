package bridge

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/bustest"
	"github.com/notifyd/notifyd/bus/http"
	"github.com/notifyd/notifyd/internal/exectest"
)

const testToken = "sesame-sesame-sesame"

// A far is the other notifyd: its source, and something that takes whatever comes. Like a database it keeps what it has
// while it is away.
type far struct {
	address string
	keys    string // of the sender

	mu   sync.Mutex
	got  []bustest.Arrived
	stop func()
}

func newFar(t testing.TB, keys string) *far {
	f := &far{address: fmt.Sprintf("127.0.0.1:%d", exectest.FreePort(t)), keys: keys}
	f.up(t)
	t.Cleanup(f.down)
	return f
}

func (f *far) up(t testing.TB) {
	var c http.Config
	text := fmt.Sprintf("listen: %q\nsenders: {ferry: {%s, rate: 100000, burst: 100000}}\nmax_lines: 100", f.address, f.keys)
	if err := yaml.UnmarshalWithOptions([]byte(text), &c, yaml.Strict()); err != nil {
		t.Error(err)
		return
	}
	source, err := http.New(c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Error(err)
		return
	}
	in := bus.NewIntake(bus.IntakeConfig{})
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() {
		if err := source.Run(ctx, in); err != nil {
			t.Errorf("Run = %v", err)
		}
		in.Close()
	})
	all.Go(func() {
		for batch, open := in.Next(context.Background()); open; batch, open = in.Next(context.Background()) {
			for _, frame := range batch {
				f.take(t, frame)
			}
		}
	})
	exectest.Eventually(t, 20*time.Second, "the other notifyd listens", func() bool {
		c, err := net.Dial("tcp", f.address)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	f.stop = sync.OnceFunc(func() {
		cancel()
		all.Wait()
	})
}

// take stores a message, as the router does, and then says so.
func (f *far) take(t testing.TB, frame bus.Frame) {
	m, err := bus.Decode(frame, time.Now())
	if err != nil {
		t.Errorf("%s: %v", frame.Payload, err)
		return
	}
	body, err := m.RawBody()
	if err != nil {
		t.Error(err)
	}
	f.mu.Lock()
	f.got = append(f.got, bustest.Arrived{ID: m.ID, Topic: m.Topic, Body: body})
	f.mu.Unlock()
	frame.Done()
}

func (f *far) down() {
	if f.stop != nil {
		f.stop()
	}
}

func (f *far) received(testing.TB) []bustest.Arrived {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]bustest.Arrived(nil), f.got...)
}

// begin replaces the notifyd by something hostile.
func (f *far) begin(t testing.TB, attack func(net.Conn)) (stop func()) {
	f.down()
	l, err := net.Listen("tcp", f.address)
	if err != nil {
		t.Error(err)
		return func() {}
	}
	attacked := make(chan struct{})
	once := sync.OnceFunc(func() { close(attacked) })
	var all sync.WaitGroup
	var mu sync.Mutex
	var conns []net.Conn
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, c)
			mu.Unlock()
			once()
			all.Go(func() {
				defer c.Close()
				attack(c)
			})
		}
	})
	select {
	case <-attacked:
	case <-time.After(20 * time.Second):
	}
	return func() {
		l.Close()
		mu.Lock()
		for _, c := range conns {
			c.Close()
		}
		mu.Unlock()
		all.Wait()
		f.up(t)
	}
}

// answering reads a request a little, and answers it with a text.
func answering(text string) func(net.Conn) {
	return func(c net.Conn) {
		c.Read(make([]byte, 1000))
		io.WriteString(c, text)
	}
}

func TestBridgeContract(t *testing.T) {
	for name, keys := range map[string][2]string{
		"token": {"token: sesame-sesame-sesame, topics: ['#']", "token: sesame-sesame-sesame"},
		"hmac":  {"hmac_key: sesame-sesame-sesame, topics: ['#']", "hmac_key: sesame-sesame-sesame, sender: ferry"},
	} {
		t.Run(name, func(t *testing.T) {
			bustest.RunBridge(t, func(t testing.TB) bustest.BridgeFixture { return bridgeFixture(t, keys[0], keys[1]) })
		})
	}
}

func bridgeFixture(t testing.TB, there, here string) bustest.BridgeFixture {
	f := newFar(t, there)
	one := func(keys string) string { return "x: {url: 'http://" + f.address + "', " + keys + "}" }
	empty := bustest.LoadOf(bus.Frame{Topic: "org.example.empty", Payload: []byte(`{"msg_id":"2026-empty"}`)})
	fixture := bustest.BridgeFixture{
		Driver: Driver(), Secrets: []string{testToken}, Timeout: 2 * time.Second,
		Config: one(here + ", timeout: 2s, retry_min: 5ms, retry_max: 50ms"), Never: []bus.Load{empty, empty},
		Down: func(testing.TB) { f.down() }, Up: f.up, Received: f.received,
		Mistakes: map[string]string{
			"url": "x: {url: nowhere, token: " + testToken + "}", "token": one("topics: []"), "hmac_key": one("sender: x"),
			"topics": one(here + ", topics: ['']"), "timeout": one(here + ", timeout: 1ns"),
			"retry_min": one(here + ", retry_min: 1ns"), "cert_file": one(here + ", cert_file: /dev/null"),
			"ca_file": one(here + ", ca_file: /dev/null"),
		},
	}
	for name, attack := range map[string]func(net.Conn){
		"hangs up": func(net.Conn) {}, "says nothing": func(c net.Conn) { io.Copy(io.Discard, c) },
		"garbage":        answering("\x00\xff garbage\r\n\r\n"),
		"no ids":         answering("HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\n{}"),
		"too many ids":   answering("HTTP/1.1 202 Accepted\r\nContent-Length: 21\r\n\r\n{\"ids\":[\"1\",\"2\",\"3\",1]}"),
		"elsewhere":      answering("HTTP/1.1 307 x\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"),
		"endless answer": answering("HTTP/1.1 202 Accepted\r\nContent-Length: 999999999999\r\n\r\n{\"ids\":["),
		"refuses others": answering("HTTP/1.1 422 x\r\nContent-Length: 52\r\n\r\n" +
			`{"errors":[{"line":99,"detail":"x"},{"line":-1}]}   `),
		"not now": answering("HTTP/1.1 503 x\r\nRetry-After: 3600\r\nContent-Length: 0\r\n\r\n"),
	} {
		fixture.Attacks = append(fixture.Attacks, bustest.Attack{
			Name: name, Alone: true, Start: func(t testing.TB) func() { return f.begin(t, attack) },
		})
	}
	return fixture
}

func TestBridgeObjects(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct{ payload, want string }{
		{`{"topic":"a.b", "msg":{ "x":1},"msg_id":"2026-1","timestamp":5}`, ""},
		{`{"topic":"a.b","id":"u","headers":{"sent-at":"2026-01-01T00:00:00Z"},"body":[]}`, ""},
		{`{"msg":{},"msg_id":"2026-1","timestamp":5}`, `{"msg":{},"msg_id":"2026-1","timestamp":5,"topic":"a.b"}`},
		{`{"topic":"a.b","msg":{}}`, `{"topic":"a.b","msg":{},"msg_id":"ID","timestamp":1795953600}`},
		{`{"topic":"a.b","body":{}}`, `{"topic":"a.b","body":{},"msg_id":"ID","timestamp":1795953600}`},
		{`{"topic":"a.b","msg":{},"msg_id":{"a":1}}`,
			`{"topic":"a.b","msg":{},"msg_id":{"a":1},"msg_id":"ID","timestamp":1795953600}`},
		{`{"topic":"a.b","body":{},"id":1.5}`, `{"topic":"a.b","body":{},"id":1.5,"msg_id":"ID","timestamp":1795953600}`},
		{`{"topic":"a.b","msg":{},"msg_id":7,"timestamp":5}`, ""},
		{`{"topic":"a.b","msg":{},"signature":"c2ln","crypto":"x509"}`, ""},
		{`{"topic":"a.b","msg":{"x":NaN},"msg_id":"2026-1","timestamp":5}`,
			`{"i":0,"msg":{"x":null},"topic":"a.b","msg_id":"2026-1","timestamp":5}`},
		{`{}`, `{"topic":"a.b","msg_id":"ID","timestamp":1795953600}`},
	} {
		m, err := bus.Decode(bus.Frame{Topic: "a.b", Payload: []byte(c.payload)}, now)
		if err != nil {
			t.Fatal(err)
		}
		want := strings.ReplaceAll(c.want, "ID", m.ID)
		if want == "" {
			want = c.payload
		}
		got, err := object(bus.Load{Message: m, ID: m.ID})
		if err != nil || string(got) != want {
			t.Errorf("%s: %s, %v\nwant %s", c.payload, got, err, want)
		}
	}
}

// TestBridgeSaysWhatIsForbidden: a token that is not known, or not for these topics, is for the operator to mend.
func TestBridgeSaysWhatIsForbidden(t *testing.T) {
	f := newFar(t, "token: sesame-sesame-sesame, topics: [org.example.other]")
	for token, says := range map[string]string{
		"another-another-another": "token is not accepted", testToken: "may not send under the topic",
	} {
		b, err := NewBridge(BridgeConfig{URL: "http://" + f.address, Token: token})
		if err != nil {
			t.Fatal(err)
		}
		done, refused, err := b.Carry(t.Context(), []bus.Load{bustest.LoadOf(bustest.Sample(1))})
		if done != 0 || len(refused) > 0 || err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("Carry = %d, %v, %v", done, refused, err)
		}
		b.Close()
	}
	if len(f.received(t)) > 0 {
		t.Error("it was taken")
	}
}
