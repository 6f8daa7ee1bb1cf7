package zmq

import (
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/bustest"
)

// contractConfig is an honest endpoint and one where attackers may listen.
const contractConfig = `
endpoints: {honest: %q, hostile: %q}
timeout: 1s
heartbeat: 2s
retry_min: 5ms
retry_max: 50ms
on_full: %s
`

// zmqFixture is all of a fixture but its honest publisher.
func zmqFixture(t testing.TB, honest, onFull string) bustest.Fixture {
	hostile := newAttacker(t)
	f := bustest.Fixture{
		Driver: Driver(), Config: fmt.Sprintf(contractConfig, honest, hostile.addr, onFull), Waits: onFull == Wait,
		Mistakes: map[string]string{
			"endpoints": "endpoints: {honest: nowhere}",
			"topics":    "endpoints: {}\ntopics: ['a*b']",

			"endpoints_file": "endpoints_file: /nowhere/at/all.yaml",
			"srv":            "srv: ['tcp://example.org']",
			"srv_check":      "srv: [example.org]\nsrv_check: 1ns",
			"srv_server":     "srv: [example.org]\nsrv_server: nowhere",
			"heartbeat":      "endpoints: {}\nheartbeat: 1ns",
			"silence":        "endpoints: {}\nsilence: -1s",
			"timeout":        "endpoints: {}\ntimeout: 1ns",
			"max_message":    "endpoints: {}\nmax_message: 1",
			"retry_min":      "endpoints: {}\nretry_min: 1ns",
			"on_full":        "endpoints: {}\non_full: block",
		},
	}
	for _, a := range hostilePublishers() {
		f.Attacks = append(f.Attacks, bustest.Attack{Name: a.name, Start: func(testing.TB) func() {
			hostile.start(a.serve)
			return func() { hostile.start(nil) }
		}})
	}
	return f
}

// TestContractOnLibzmq: the honest publisher is a socket of libzmq, which is made to wait.
func TestContractOnLibzmq(t *testing.T) {
	bustest.Run(t, func(t testing.TB) bustest.Fixture {
		pub := startPython(t, "XPUB", "bind", "tcp://127.0.0.1:*", "XPUB_VERBOSE=1")
		f := zmqFixture(t, pub.addr, Wait)
		f.Publish = func(t testing.TB, messages ...bus.Frame) int { return pub.sendFrames(t, messages...) }
		f.Ready = func(testing.TB) { pub.subscribed("") }
		f.Down = func(testing.TB) { pub.kill() }
		f.Up = func(t testing.TB) { pub = startPython(t, "XPUB", "bind", pub.addr, "XPUB_VERBOSE=1") }
		return f
	})
}

// TestContractOnPublisher: the honest publisher is our own, and what finds no room is dropped.
func TestContractOnPublisher(t *testing.T) {
	bustest.Run(t, func(t testing.TB) bustest.Fixture {
		p := bind(t, "tcp://127.0.0.1:0", PublisherConfig{})
		stop, addr := run(t, p), p.Addr()
		f := zmqFixture(t, addr, Drop)
		f.Publish = func(_ testing.TB, messages ...bus.Frame) (sent int) {
			for _, m := range messages {
				if n, err := p.Publish(m.Topic, m.Payload); err == nil {
					sent += n
				}
			}
			return sent
		}
		f.Ready = func(t testing.TB) {
			if err := p.WaitSubscribed(within(t), "org.example"); err != nil {
				t.Fatal(err)
			}
		}
		f.Down = func(testing.TB) { stop() }
		f.Up = func(t testing.TB) {
			p = bind(t, addr, PublisherConfig{})
			stop = run(t, p)
		}
		return f
	})
}

// An attacker listens, and does to each peer what it does at the moment; without an attack it closes the connection.
type attacker struct {
	addr string

	mu      sync.Mutex
	serve   func(net.Conn)
	conns   []net.Conn
	arrived chan struct{} // closed when a peer has come since the last start
}

func newAttacker(t testing.TB) *attacker {
	a := &attacker{arrived: make(chan struct{})}
	a.addr = server(t, func(c net.Conn) {
		a.mu.Lock()
		serve := a.serve
		if serve != nil {
			a.conns = append(a.conns, c)
			select {
			case <-a.arrived:
			default:
				close(a.arrived)
			}
		}
		a.mu.Unlock()
		if serve != nil {
			serve(c)
		}
	})
	return a
}

// start ends what goes on and begins another attack, unless it is nil; then it waits until a peer is attacked.
func (a *attacker) start(serve func(net.Conn)) {
	a.mu.Lock()
	for _, c := range a.conns {
		c.Close()
	}
	a.serve, a.conns, a.arrived = serve, nil, make(chan struct{})
	arrived := a.arrived
	a.mu.Unlock()
	if serve == nil {
		return
	}
	select {
	case <-arrived:
	case <-time.After(20 * time.Second): // the kit sees to the rest
	}
}
