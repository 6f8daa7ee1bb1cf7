package zmq

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/bustest"
	"github.com/notifyd/notifyd/internal/exectest"
)

// pyReader prints the frames of every message, in base64, a line a message.
const pyReader = `
import base64, json, sys, zmq
s = zmq.Context().socket(zmq.SUB); s.setsockopt(zmq.RCVHWM, 0); s.connect(sys.argv[1])
for prefix in sys.argv[2:]: s.setsockopt(zmq.SUBSCRIBE, prefix.encode())
while True: print(json.dumps([base64.b64encode(f).decode() for f in s.recv_multipart()]), flush=True)
`

// A pySub is a SUB socket of libzmq that reads.
type pySub struct {
	frames chan bus.Frame
	close  func()
}

func newPySub(t testing.TB, address string, prefixes ...string) *pySub {
	t.Helper()
	cmd := exec.Command(exectest.Python(t, "zmq"), append([]string{"-c", pyReader, address}, prefixes...)...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := &pySub{frames: make(chan bus.Frame, 1<<16)}
	var all sync.WaitGroup
	all.Go(func() {
		lines := bufio.NewReader(out)
		for line, err := lines.ReadBytes('\n'); err == nil; line, err = lines.ReadBytes('\n') {
			var parts [][]byte
			if json.Unmarshal(line, &parts) == nil && len(parts) == 2 {
				s.frames <- bus.Frame{Topic: string(parts[0]), Payload: parts[1]}
			}
		}
	})
	s.close = sync.OnceFunc(func() {
		cmd.Process.Kill()
		all.Wait()
		cmd.Wait()
	})
	t.Cleanup(s.close)
	return s
}

func (s *pySub) Close() { s.close() }

func (s *pySub) Next(within time.Duration) (bus.Frame, error) {
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case f := <-s.frames:
		return f, nil
	case <-timer.C:
		return bus.Frame{}, errors.New("no frame came in time")
	}
}

// gatewayFixture is a gateway with subscribers of libzmq, and hostile ones.
func gatewayFixture(t testing.TB) bustest.OutletFixture {
	path := t.TempDir() + "/gateway"
	const held = 24 << 20
	f := bustest.OutletFixture{
		Driver: GatewayDriver(), Held: held + 20*ownBytes,
		Config: fmt.Sprintf("listen: ipc://%s\npeer_bytes: %d\ntotal_bytes: %d\ntimeout: 300ms\nstall: 60s\nprefixes: 10\n",
			path, 8<<20, held),
		Mistakes: map[string]string{
			"listen": "listen: nowhere", "queue": "listen: ipc://x\nqueue: -1", "peer_bytes": "listen: ipc://x\npeer_bytes: 1",
			"total_bytes": "listen: ipc://x\ntotal_bytes: 1", "peers": "listen: ipc://x\npeers: -5",
			"prefixes": "listen: ipc://x\nprefixes: -1", "timeout": "listen: ipc://x\ntimeout: 1ns",
			"stall": "listen: ipc://x\nstall: -1s",
		},
		Subscribe: func(t testing.TB) bustest.Subscriber { return newPySub(t, "ipc://"+path, "") },
		Idle: func(t testing.TB) func() {
			c := dialPath(t, path, join(greeting(), readyAs("SUB"), part(0, []byte{1})))
			return func() { c.Close() }
		},
	}
	for name, text := range hostileSubscribers() {
		f.Attacks = append(f.Attacks, bustest.Attack{Name: name, Start: func(t testing.TB) func() {
			var all []net.Conn
			for range 10 {
				all = append(all, dialPath(t, path, text))
			}
			return func() {
				for _, c := range all {
					c.Close()
				}
			}
		}})
	}
	return f
}

// dialPath connects to a Unix socket, which may not be there yet, and says text.
func dialPath(t testing.TB, path string, text []byte) net.Conn {
	t.Helper()
	var c net.Conn
	eventually(t, "it listens", func() (ok bool) {
		var err error
		c, err = net.Dial("unix", path)
		return err == nil
	})
	t.Cleanup(func() { c.Close() })
	c.Write(text)
	return c
}

func TestContractOfGateway(t *testing.T) { bustest.RunOutlet(t, gatewayFixture) }

// TestSubscriptionsOfOnePeer: whatever a peer subscribes to, and however often, a message comes to it once.
func TestSubscriptionsOfOnePeer(t *testing.T) {
	noLeaks(t)
	p := bind(t, "tcp://127.0.0.1:0", PublisherConfig{})
	run(t, p)
	sub := newPySub(t, p.Addr(), "org.a.b", "org.a", "org.a", "", "other", strings.Repeat("o", 1000))
	eventually(t, "all six have come", func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return len(p.peers) == 1 && len(p.peers[0].prefixes) == 5
	})
	for _, topic := range []string{"org.a.b.c", "o", "zzz"} {
		if n, err := p.Publish(topic, []byte("1")); n != 1 || err != nil {
			t.Errorf("%s went to %d peers: %v", topic, n, err)
		}
		if f, err := sub.Next(20 * time.Second); err != nil || f.Topic != topic {
			t.Errorf("%+v, %v; want %s", f, err, topic)
		}
	}
	sub.Close()
	eventually(t, "it is gone", func() bool { return p.Stats().Peers == 0 })
	if len(p.wanted.byPrefix)+len(p.wanted.count)+len(p.wanted.lengths) > 0 {
		t.Errorf("its subscriptions are still there: %+v", p.wanted)
	}
}

// TestManySubscriptionsCostLittle: what hostile subscribers subscribe to does not make messages for others expensive.
func TestManySubscriptionsCostLittle(t *testing.T) {
	p := newPublisher(PublisherConfig{Prefixes: 1000, Queue: 1 << 20}, quiet())
	for range 500 {
		q := &peer{publisher: p, queue: newPeerQueue(p), prefixes: map[string]int{}}
		if err := p.addPeer(q); err != nil {
			t.Fatal(err)
		}
		for i := range 1000 {
			if err := q.subscribe(1, "z"+strings.Repeat("y", i)); err != nil {
				t.Fatal(err)
			}
		}
		if q.subscribe(1, "one too many") == nil {
			t.Fatal("it may subscribe without bound")
		}
	}
	topic := "org.example.prod.git.receive"
	allocs := testing.AllocsPerRun(100, func() { p.wanted.each(topic, func(*peer) { t.Error("nobody wants it") }) })
	if allocs > 0 {
		t.Errorf("%v allocations to find nobody", allocs)
	}
	began := time.Now()
	for range 1000 {
		must[int](t)(p.Publish(topic, nil))
	}
	if took := time.Since(began); took > time.Second { // 500,000 comparisons each would take far longer
		t.Errorf("1000 messages that nobody wants took %v", took)
	}
}

func TestGatewayIsChoosyOverLateFrames(t *testing.T) {
	late := bus.Frame{Topic: "t", Late: true}
	for _, c := range []struct{ late, want bool }{{false, false}, {true, true}} {
		g := must[*Gateway](t)(NewGateway(GatewayConfig{Listen: "tcp://127.0.0.1:0", Late: c.late}, quiet()))
		if g.Wants(late) != c.want || !g.Wants(bus.Frame{Topic: "t"}) {
			t.Errorf("late: %t; Wants = %t", c.late, g.Wants(late))
		}
	}
}

func TestGatewayRefusesAPortThatIsTaken(t *testing.T) {
	p := bind(t, "tcp://127.0.0.1:0", PublisherConfig{})
	defer p.Close()
	g := must[*Gateway](t)(NewGateway(GatewayConfig{Listen: p.Addr()}, quiet()))
	for what, err := range map[string]error{"Bind": g.Bind(t.Context()), "Run": g.Run(t.Context())} {
		if err == nil || !strings.Contains(err.Error(), "in use") {
			t.Errorf("%s = %v", what, err)
		}
	}
	if err := g.Close(); err != nil {
		t.Error(err)
	}
}

// TestWritesManyMessagesAtOnce: small messages are joined, large ones and marks are not, and all count.
func TestWritesManyMessagesAtOnce(t *testing.T) {
	p := newPublisher(PublisherConfig{}, quiet())
	q, buffer := newPeerQueue(p), make([]byte, writeAtOnce)
	small, large := bytes.Repeat([]byte("s"), 10<<10), bytes.Repeat([]byte("l"), 1<<20)
	for _, wire := range [][]byte{small, small, small, small, large, small} {
		q.put(&parcel{wire: wire, count: 1})
	}
	q.mark(make(chan struct{}))
	q.put(&parcel{wire: small, count: 2})
	for i, want := range []struct{ bytes, left int }{
		{3 * len(small), 5}, {len(small), 4}, {len(large), 3}, {len(small), 2}, {len(ping), 2}, {len(small), 0}, {0, 0},
	} {
		wire, flushed := q.take(buffer)
		q.written()
		if len(wire) != want.bytes || int(q.waiting) != want.left || (flushed != nil) != (want.bytes == len(ping)) {
			t.Errorf("write %d has %d bytes, %v, and %d messages wait; want %+v", i, len(wire), flushed, q.waiting, want)
		}
	}
	if q.bytes != 0 || q.waiting != 0 || p.held.Load() != 0 {
		t.Errorf("%d bytes and %d messages are left, %d held", q.bytes, q.waiting, p.held.Load())
	}
}

// TestPublishesTogether: who wants everything gets what fits into one write as one, and shares its bytes; who wants a
// part gets that; and everybody in order, none twice, and as much as there is room for.
func TestPublishesTogether(t *testing.T) {
	p := newPublisher(PublisherConfig{Queue: 7}, quiet())
	subscribed := func(prefixes ...string) *peer {
		q := &peer{publisher: p, queue: newPeerQueue(p), prefixes: map[string]int{}}
		for _, prefix := range prefixes {
			if err := q.subscribe(1, prefix); err != nil {
				t.Fatal(err)
			}
		}
		return q
	}
	all, part, both := subscribed(""), subscribed("a", "a.x"), subscribed("", "a")
	large := bytes.Repeat([]byte("l"), writeAtOnce)
	var frames []bus.Frame
	for i, topic := range []string{"a.x", "b", "a", "b", "a.x", "c"} {
		payload := fmt.Appendf(nil, "%d", i)
		if i == 3 {
			payload = large
		}
		frames = append(frames, bus.Frame{Topic: topic, Payload: payload})
	}
	wire := func(indices ...int) (whole []byte) {
		for _, i := range indices {
			whole = append(whole, encodeMessage(frames[i].Topic, frames[i].Payload)...)
		}
		return whole
	}
	p.publishAll(frames)
	everything := [][]byte{wire(0, 1, 2), wire(3), wire(4, 5)}
	expectItems(t, "everything", all, everything...)
	expectItems(t, "a part", part, wire(0), wire(2), wire(4))
	expectItems(t, "both", both, everything...)
	p.publishAll(frames[4:]) // there is room for one more, and the part has room for all
	expectItems(t, "a full queue", all, append(everything, wire(4))...)
	expectItems(t, "a part", part, wire(0), wire(2), wire(4), wire(4))
	if s := p.Stats(); s.Published != 8 || s.Queued != 7+4+7 || s.Dropped != 2 || all.lost != 1 {
		t.Errorf("%+v, lost %d", s, all.lost)
	}
	for _, q := range []*peer{all, part, both} {
		q.queue.lose()
	}
	if held := p.held.Load(); held != 0 {
		t.Errorf("%d bytes are held of nothing", held)
	}
}

func expectItems(t *testing.T, what string, q *peer, want ...[]byte) {
	t.Helper()
	if len(q.queue.items) != len(want) {
		t.Fatalf("%s: %d items, want %d", what, len(q.queue.items), len(want))
	}
	for i, it := range q.queue.items {
		if !bytes.Equal(it.wire, want[i]) {
			t.Errorf("%s: item %d is %.60q, want %.60q", what, i, it.wire, want[i])
		}
	}
}
