package zmq

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
)

// run runs a Publisher for the time of the test; the function it gives ends it and waits.
func run(t testing.TB, p *Publisher) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("Run = %v", err)
			}
		case <-time.After(10 * time.Second):
			t.Error("Run has not ended")
		}
	}
	t.Cleanup(stop)
	return stop
}

func bind(t testing.TB, addr string, c PublisherConfig) *Publisher {
	t.Helper()
	p, err := Bind(t.Context(), addr, c, quiet())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func within(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestServesLibzmqSubscribers(t *testing.T) {
	for _, addr := range []string{"tcp://127.0.0.1:0", "ipc://" + t.TempDir() + "/pub"} {
		t.Run(addr[:3], func(t *testing.T) {
			noLeaks(t)
			p := bind(t, addr, PublisherConfig{})
			stop := run(t, p)
			// libzmq must not take us for dead on a busy machine: what is published meanwhile would be lost
			sub := startPython(t, "SUB", "connect", p.Addr(), "HEARTBEAT_IVL=50", "HEARTBEAT_TIMEOUT=60000")
			sub.do(`{"subscribe": "org.a."}`)
			if err := p.WaitSubscribed(within(t), "org.a.b"); err != nil {
				t.Fatal(err)
			}
			long := strings.Repeat("y", 300)
			for _, m := range [][2]string{{"org.b", "no"}, {"org.a.x", "1"}, {"org.a." + long, long}, {"org.a.y", ""}} {
				must[int](t)(p.Publish(m[0], []byte(m[1])))
			}
			if err := p.Flush(within(t)); err != nil {
				t.Error(err)
			}
			for _, m := range [][2]string{{"org.a.x", "1"}, {"org.a." + long, long}, {"org.a.y", ""}} {
				if e := sub.next(); len(e.Received) != 2 || e.Received[0] != m[0] || e.Received[1] != m[1] {
					t.Errorf("event %+v, want %q", e, m)
				}
			}
			must[int](t)(p.Publish("org.a.z", bytes.Repeat([]byte("x"), bus.MaxPayload)))
			if e := sub.next(); len(e.Sizes) != 2 || e.Sizes[1] != bus.MaxPayload {
				t.Errorf("event %+v", e)
			}
			sub.do(`{"unsubscribe": "org.a."}`)
			eventually(t, "unsubscribed", func() bool { n, _ := p.Publish("org.a.x", nil); return n == 0 })
			if s := p.Stats(); s.Peers != 1 || s.Dropped != 0 || s.Refused != 0 {
				t.Errorf("stats %+v", s)
			}
			stop()
		})
	}
}

// TestPublishesThroughARelay is active mode: the relay's SUB binds, and a short-lived publisher must lose nothing.
func TestPublishesThroughARelay(t *testing.T) {
	noLeaks(t)
	relay := startPython(t, "SUB", "bind", "tcp://127.0.0.1:*")
	relay.do(`{"subscribe": ""}`)
	for i := range 20 {
		p := must[*Publisher](t)(Connect(relay.addr, PublisherConfig{}, quiet()))
		stop := run(t, p)
		if err := p.WaitSubscribed(within(t), "t"); err != nil {
			t.Fatal(err)
		}
		for j := range 50 {
			must[int](t)(p.Publish("t", fmt.Appendf(nil, "%d %d", i, j)))
		}
		if i%2 == 0 { // the odd ones rely on Run's end alone
			if err := p.Flush(within(t)); err != nil {
				t.Error(err)
			}
		}
		stop()
	}
	next := map[string]int{} // within a connection order is kept, between two it need not be
	for range 20 * 50 {
		e := relay.next()
		i, j, _ := strings.Cut(e.Received[1], " ")
		if j != fmt.Sprint(next[i]) {
			t.Fatalf("event %+v, want %s %d", e, i, next[i])
		}
		next[i]++
	}
}

func TestSaysThatNoRelayAnswers(t *testing.T) {
	soon, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	addr := unused(t)
	p := must[*Publisher](t)(Connect(addr, PublisherConfig{}, quiet()))
	run(t, p)
	err := p.WaitSubscribed(soon, "t")
	if err == nil || !strings.Contains(err.Error(), "no relay answers at "+addr) ||
		!strings.Contains(err.Error(), "refused") {
		t.Errorf("error %v", err)
	}
	if err := p.Flush(t.Context()); err == nil {
		t.Error("flushed without a relay")
	}
}

func TestNoticesThatTheRelayDied(t *testing.T) {
	noLeaks(t)
	relay := startPython(t, "SUB", "bind", "tcp://127.0.0.1:*")
	relay.do(`{"subscribe": ""}`)
	p := must[*Publisher](t)(Connect(relay.addr, PublisherConfig{}, quiet()))
	run(t, p)
	if err := p.WaitSubscribed(within(t), "t"); err != nil {
		t.Fatal(err)
	}
	relay.signal(syscall.SIGSTOP) // the kernel still takes what is sent
	must[int](t)(p.Publish("t", []byte("lost")))
	relay.kill()
	if err := p.Flush(within(t)); err == nil {
		t.Error("Flush says that a dead relay has taken the message")
	}
}

// TestASubscriberThatLeaves has read what was sent to it, though it answers nothing any more: `tail -n 1` does that.
// One that leaves something unread has not.
func TestASubscriberThatLeaves(t *testing.T) {
	for name, reads := range map[string]bool{"with all read": true, "with a byte unread": false} {
		t.Run(name, func(t *testing.T) {
			noLeaks(t)
			p := bind(t, "tcp://127.0.0.1:0", PublisherConfig{})
			run(t, p)
			c := dialIn(t, p, join(greeting(), readyAs("SUB"), part(0, []byte{1})))
			if err := p.WaitSubscribed(within(t), "t"); err != nil {
				t.Fatal(err)
			}
			must[int](t)(p.Publish("t", []byte("said")))
			flushed := make(chan error, 1)
			go func() { flushed <- p.Flush(within(t)) }()
			until, piece := []byte("PIN"), make([]byte, 1)
			if reads {
				until, piece = []byte("PING"), make([]byte, 100)
			}
			for got := []byte(nil); !bytes.Contains(got, until); {
				n, err := c.Read(piece)
				if got = append(got, piece[:n]...); err != nil {
					t.Fatal(err)
				}
			}
			c.Close()
			if err := <-flushed; (err == nil) != reads {
				t.Errorf("Flush: %v", err)
			}
		})
	}
}

// dialIn connects to p and says text.
func dialIn(t testing.TB, p *Publisher, text []byte) net.Conn {
	t.Helper()
	a := must[address](t)(parseAddress(p.Addr()))
	c := must[net.Conn](t)(a.dial(t.Context(), time.Second))
	t.Cleanup(func() { c.Close() })
	c.Write(text)
	return c
}

// hostileSubscribers are what attackers say to a publisher, by name.
func hostileSubscribers() map[string][]byte {
	hi := join(greeting(), readyAs("SUB"))
	prefixes := hi
	for i := range 20 {
		prefixes = join(prefixes, part(0, fmt.Appendf([]byte{1}, "%d", i)))
	}
	return map[string][]byte{
		"silent":              nil,
		"HTTP":                []byte("GET / HTTP/1.1\r\nHost: bus.example.org\r\n\r\n"),
		"garbage":             bytes.Repeat([]byte{0xAB, 0x00, 0xFF}, 5000),
		"half a greeting":     greeting()[:30],
		"no READY":            greeting(),
		"READY without type":  join(greeting(), command("READY", nil)),
		"broken property":     join(greeting(), command("READY", []byte{1, 'S'})),
		"a publisher":         join(greeting(), readyAs("PUB")),
		"handshake of 1 TiB":  join(greeting(), header(flagCommand, 1<<40)),
		"part of 2^62":        join(hi, header(0, 1<<62)),
		"part of 1 TiB":       join(hi, header(0, 1<<40)),
		"long subscription":   join(hi, part(0, append([]byte{1}, bytes.Repeat([]byte("x"), bus.MaxTopic+1)...))),
		"many subscriptions":  prefixes,
		"half a subscription": join(hi, []byte{0, 50, 1}),
		"broken command":      join(hi, part(flagCommand, []byte{99})),
		"parts without end":   join(hi, bytes.Repeat(part(flagMore, nil), 10000)),
		"nonsense, but decent": join(hi, part(0, nil), part(0, []byte{7}), part(0, []byte{0, 'q'}),
			part(flagMore, []byte{1}), part(0, nil)),
	}
}

// TestHostileSubscribers: no subscriber may hinder a decent one, whatever it does, nor end the program.
func TestHostileSubscribers(t *testing.T) {
	noLeaks(t)
	p := bind(t, "tcp://127.0.0.1:0", PublisherConfig{
		Timeout: 300 * time.Millisecond, Stall: 300 * time.Millisecond, Linger: 200 * time.Millisecond,
		Queue: 2000, Prefixes: 10, Peers: 50,
	})
	run(t, p)
	hi, texts := join(greeting(), readyAs("SUB")), hostileSubscribers()
	conns := map[string]net.Conn{}
	for name, text := range texts {
		conns[name] = dialIn(t, p, text)
	}
	dialIn(t, p, join(hi, part(0, []byte{1}))) // subscribes to everything and never reads

	sub := startPython(t, "SUB", "connect", p.Addr())
	sub.do(`{"subscribe": "good"}`)
	eventually(t, "both have subscribed", func() bool { return must[int](t)(p.Publish("good", []byte("probe"))) == 2 })
	payload := bytes.Repeat([]byte("x"), 90000)
	for i := range 300 {
		must[int](t)(p.Publish("good", append(fmt.Appendf(nil, "%03d", i), payload...)))
	}
	for i := range 300 {
		e := sub.next()
		for len(e.Received) == 2 && e.Received[1] == "probe" {
			e = sub.next()
		}
		if len(e.Received) != 2 || !strings.HasPrefix(e.Received[1], fmt.Sprintf("%03d", i)) {
			t.Fatalf("message %d: %.100v", i, e)
		}
	}
	for name, c := range conns {
		if name == "nonsense, but decent" {
			continue
		}
		c.SetReadDeadline(time.Now().Add(10 * time.Second))
		if _, err := io.Copy(io.Discard, c); err != nil && !strings.Contains(err.Error(), "reset") {
			t.Errorf("%s: still connected: %v", name, err)
		}
	}
	eventually(t, "all are counted", func() bool { // a moment after their connection has ended
		s := p.Stats()
		return s.Refused >= uint64(len(texts))-1 && s.Peers <= 3
	})
}

func TestASubscriberThatDoesNotReadIsDropped(t *testing.T) {
	noLeaks(t)
	p := bind(t, "tcp://127.0.0.1:0", PublisherConfig{Stall: 300 * time.Millisecond, Bytes: 10 << 20})
	run(t, p)
	dialIn(t, p, join(greeting(), readyAs("SUB"), part(0, []byte{1})))
	if err := p.WaitSubscribed(within(t), "t"); err != nil {
		t.Fatal(err)
	}
	big := make([]byte, 1<<20)
	eventually(t, "a message dropped", func() bool { must[int](t)(p.Publish("t", big)); return p.Stats().Dropped > 0 })
	eventually(t, "the peer is gone", func() bool { return p.Stats().Peers == 0 })
	if err := p.Flush(within(t)); err == nil {
		t.Error("Flush says nothing of the drops")
	}
}

// TestASubscriberThatPausesLosesNothing has a subscriber read nothing for longer than the handshake may take, while
// more is sent than the network keeps.
func TestASubscriberThatPausesLosesNothing(t *testing.T) {
	noLeaks(t)
	p := bind(t, "tcp://127.0.0.1:0", PublisherConfig{Timeout: 100 * time.Millisecond})
	run(t, p)
	c := dialIn(t, p, join(greeting(), readyAs("SUB"), part(0, []byte{1})))
	if err := p.WaitSubscribed(within(t), "t"); err != nil {
		t.Fatal(err)
	}
	const count, size = 500, 100_000
	for range count {
		must[int](t)(p.Publish("t", make([]byte, size)))
	}
	began := time.Now()
	eventually(t, "it has paused", func() bool { return time.Since(began) > 500*time.Millisecond })
	c.SetReadDeadline(time.Now().Add(20 * time.Second))
	if n, err := io.CopyN(io.Discard, c, count*size); err != nil {
		t.Errorf("after %d bytes: %v", n, err)
	}
}

// TestSubscribersThatDoNotReadShareABound: many hold no more than a few do, and what they held is free when they go.
func TestSubscribersThatDoNotReadShareABound(t *testing.T) {
	noLeaks(t)
	const total = 16 << 20
	p := bind(t, "tcp://127.0.0.1:0", PublisherConfig{Total: total, Queue: 1 << 20})
	run(t, p)
	var conns []net.Conn
	big := make([]byte, 100<<10)
	for i := range 8 { // each comes when those before it hold what they can get
		conns = append(conns, dialIn(t, p, join(greeting(), readyAs("SUB"), part(0, []byte{1}))))
		eventually(t, "one more has subscribed", func() bool {
			p.mu.Lock()
			defer p.mu.Unlock()
			last := len(p.peers) - 1
			return last == i && p.peers[last].subscribedTo("t")
		})
		for range 500 {
			must[int](t)(p.Publish("t", big))
		}
		if held := p.held.Load(); held > total+8*ownBytes || held < total/3 {
			t.Errorf("%d subscribers hold %d bytes of %d", i+1, held, total)
		}
	}
	for _, c := range conns {
		c.Close()
	}
	eventually(t, "all is free", func() bool { return p.Stats().Peers == 0 && p.held.Load() == 0 })
}

func TestTooManySubscribers(t *testing.T) {
	p := bind(t, "tcp://127.0.0.1:0", PublisherConfig{Peers: 2, Timeout: 2 * time.Second})
	run(t, p)
	for range 6 {
		dialIn(t, p, join(greeting(), readyAs("SUB"), part(0, []byte{1})))
	}
	eventually(t, "four refused", func() bool { s := p.Stats(); return s.Peers == 2 && s.Refused == 4 })
}

// TestSourceAndPublisherSpeak: ours to ours, many messages, a restart between.
func TestSourceAndPublisherSpeak(t *testing.T) {
	noLeaks(t)
	p := bind(t, "tcp://127.0.0.1:0", PublisherConfig{Queue: 20000})
	addr := p.Addr()
	c := fast(addr)
	s, in := subscribe(t, c, 20000)
	for round := range 2 {
		if round > 0 {
			p = bind(t, addr, PublisherConfig{Queue: 20000})
		}
		stop := run(t, p)
		if err := p.WaitSubscribed(within(t), "t"); err != nil {
			t.Fatal(err)
		}
		for i := range 10000 {
			must[int](t)(p.Publish("t", fmt.Appendf(nil, "%d", i)))
		}
		for i := range 10000 {
			want(t, in, "t", fmt.Sprint(i))
		}
		if err := p.Flush(within(t)); err != nil {
			t.Error(err)
		}
		stop()
	}
	if e := s.Stats().Endpoints[0]; e.Received != 20000 || e.Connects != 2 {
		t.Errorf("stats %+v", e)
	}
}

// TestPublisherAnswersPings: a PONG comes for each PING, or libzmq ends the connection after its timeout.
func TestPublisherAnswersPings(t *testing.T) {
	noLeaks(t)
	p := bind(t, "tcp://127.0.0.1:0", PublisherConfig{})
	run(t, p)
	ping := command("PING", []byte{0, 0})
	c := dialIn(t, p, join(greeting(), readyAs("SUB"), ping, ping))
	c.SetReadDeadline(time.Now().Add(20 * time.Second))
	var got []byte
	for buffer := make([]byte, 1024); bytes.Count(got, []byte("\x04PONG")) < 2; {
		n, err := c.Read(buffer)
		if err != nil {
			t.Fatalf("%v after %q", err, got)
		}
		got = append(got, buffer[:n]...)
	}
}

func TestPublishRefuses(t *testing.T) {
	p := must[*Publisher](t)(Connect("tcp://127.0.0.1:1", PublisherConfig{}, quiet()))
	for topic, payload := range map[string][]byte{"": nil, "a\nb": nil, "t": make([]byte, bus.MaxPayload+1)} {
		if _, err := p.Publish(topic, payload); err == nil {
			t.Errorf("Publish(%q, %d bytes) gave no error", topic, len(payload))
		}
	}
}

func TestBindReplacesOnlyADeadSocket(t *testing.T) {
	path := t.TempDir() + "/s"
	first := bind(t, "ipc://"+path, PublisherConfig{})
	first.listener.(*net.UnixListener).SetUnlinkOnClose(false)
	if _, err := Bind(t.Context(), "ipc://"+path, PublisherConfig{}, quiet()); err == nil {
		t.Error("took a socket that is in use")
	}
	closed := first.Close()
	second := bind(t, "ipc://"+path, PublisherConfig{})
	if err := errors.Join(closed, second.Close(), second.Close()); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("Close has left a socket")
	}
	file := path + ".txt"
	must[struct{}](t)(struct{}{}, writeFile(file))
	if _, err := Bind(t.Context(), "ipc://"+file, PublisherConfig{}, quiet()); err == nil {
		t.Error("took a file for a socket")
	}
}

func writeFile(path string) error { return os.WriteFile(path, []byte("precious"), 0o600) }
