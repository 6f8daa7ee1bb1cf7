package nats

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus/bustest"
	"github.com/notifyd/notifyd/bus/nats/natstest"
	"github.com/notifyd/notifyd/internal/exectest"
)

// A wire connects to a server, until it is cut: then both sides keep their connections, and nothing passes.
type wire struct {
	addr  string
	cut   chan struct{}
	sever func()
	spoil func(said []byte) // changes what is said; nil: nothing does
}

func newWire(t testing.TB, server string, spoil func(said []byte)) *wire {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{addr: listener.Addr().String(), cut: make(chan struct{}), spoil: spoil}
	w.sever = sync.OnceFunc(func() { close(w.cut) })
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			peer, err := net.DialTimeout("tcp", server, 20*time.Second)
			if err != nil {
				client.Close()
				continue
			}
			for _, way := range [][2]net.Conn{{client, peer}, {peer, client}} {
				all.Go(func() { w.pass(ctx, way[0], way[1]) })
			}
		}
	})
	t.Cleanup(func() {
		listener.Close()
		cancel()
		all.Wait()
	})
	return w
}

// pass takes what one side says to the other.
func (w *wire) pass(ctx context.Context, from, to net.Conn) {
	defer from.Close()
	defer to.Close()
	defer context.AfterFunc(ctx, func() { from.Close() })()
	part := make([]byte, 64<<10)
	for {
		n, err := from.Read(part)
		select {
		case <-w.cut:
			<-ctx.Done()
			return
		default:
		}
		if err != nil {
			return
		}
		if w.spoil != nil {
			w.spoil(part[:n])
		}
		if _, err := to.Write(part[:n]); err != nil && err != io.EOF {
			return
		}
	}
}

// TestNodeThatIsCutOff, or stopped, takes no message twice: what the server has given to its pull goes to another node
// after ack_wait.
func TestNodeThatIsCutOff(t *testing.T) {
	t.Parallel()
	server := natstest.Start(t)
	js := server.JetStream(t)
	stream := natstest.Stream(t, js, 1, "EVENTS", "org.>")
	wire := newWire(t, server.Addr, nil)
	const ackWait, messages = 3 * time.Second, 60
	one := start(t, "urls: ['nats://%s'], stream: EVENTS, ack_wait: %v", wire.addr, ackWait)
	one.connected()
	other := start(t, "urls: [%q], stream: EVENTS, ack_wait: %v", server.URL, ackWait)
	other.connected()
	exectest.Eventually(t, patience, "both have asked for messages", func() bool {
		consumer, err := stream.Consumer(t.Context(), "notifyd")
		return err == nil && consumer.CachedInfo().NumWaiting == 2
	})
	wire.sever()

	var mu sync.Mutex
	sent := map[string]time.Time{}
	var publishing sync.WaitGroup
	publishing.Go(func() {
		for n := range messages {
			mu.Lock()
			sent[fmt.Sprint("org.", n)] = time.Now()
			mu.Unlock()
			publishParts(t, js, fmt.Sprint("org.", n), `{}`, nil)
			<-time.After(50 * time.Millisecond)
		}
	})
	defer publishing.Wait()
	longest := time.Duration(0)
	for range messages {
		f := other.next()
		f.Done()
		mu.Lock()
		longest = max(longest, time.Since(sent[f.Topic]))
		mu.Unlock()
	}
	t.Logf("the longest wait was %v", longest)
	if longest < ackWait/2 {
		t.Error("the node that is cut off was given nothing")
	}
	if longest > 2*ackWait-ackWait/4 {
		t.Errorf("a message waited %v, that is more than ack_wait (%v) once", longest, ackWait)
	}
}

// TestPullThatIsLost, as by a consumer that has no leader yet, is asked for again before the session is given up.
func TestPullThatIsLost(t *testing.T) {
	t.Parallel()
	server := natstest.Start(t)
	js := server.JetStream(t)
	natstest.Stream(t, js, 1, "EVENTS", "org.>")
	elsewhere := "$XX.API.CONSUMER.MSG.NEXT."
	lost, err := server.Connect(t).SubscribeSync(elsewhere + ">") // else the server says that nobody is there
	if err != nil {
		t.Fatal(err)
	}
	var once sync.Mutex
	wire := newWire(t, server.Addr, func(said []byte) {
		if at := bytes.Index(said, []byte("$JS"+elsewhere[3:])); at >= 0 && once.TryLock() {
			copy(said[at:], elsewhere)
		}
	})
	r := start(t, "urls: ['nats://%s'], stream: EVENTS", wire.addr)
	if _, err := lost.NextMsg(patience); err != nil {
		t.Fatal(err)
	}
	publish(t, js, "", bustest.Sample(1))
	r.next().Done()
	if n := r.value(failures, ""); n != 0 {
		t.Errorf("%v sessions have failed", n)
	}
}
