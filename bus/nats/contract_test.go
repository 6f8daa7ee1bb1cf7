package nats

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/bustest"
	"github.com/notifyd/notifyd/bus/nats/natstest"
	"github.com/notifyd/notifyd/internal/exectest"
)

const contractConfig = `
servers:
  test:
    {urls: ["nats://%s"], stream: BUS, retry_min: 5ms, retry_max: 50ms, timeout: 5s, max_ack_pending: 64, ack_wait: 5s, prefix: bus,
     user: notifyd, password: sesame}
`

// TestContract: the server is a real one, and dies by kill -9. A hostile one takes its place at another address.
func TestContract(t *testing.T) {
	bustest.Run(t, func(t testing.TB) bustest.Fixture {
		server := natstest.StartFor(t, natsUser("notifyd", "sesame"),
			"authorization { users: [{ user: notifyd, password: sesame }] }")
		js := server.JetStream(t)
		stream := natstest.Stream(t, js, 1, "BUS", "bus.>")
		front := newFront(t, server.Addr)
		one := func(keys string) string {
			return fmt.Sprintf("servers: {x: {urls: [%q], stream: BUS, %s}}", server.URL, keys)
		}
		f := bustest.Fixture{
			Driver: Driver(), Config: fmt.Sprintf(contractConfig, front.addr), Waits: true, Redelivers: true,
			Composes: true, Acked: func() int { return acked(t, stream) }, Patience: time.Minute,
			Secrets: []string{"sesame"},
			Publish: func(t testing.TB, messages ...bus.Frame) int { return publish(t, js, "bus.", messages...) },
			Ready:   func(t testing.TB) { ready(t, stream) },
			Down:    func(testing.TB) { server.Kill() },
			Up:      func(t testing.TB) { server.Restart(t) },
			Mistakes: map[string]string{
				"servers":         "{}",
				"urls":            "servers: {x: {urls: ['nats://u:sesame@h'], stream: BUS}}",
				"stream":          "servers: {x: {urls: ['nats://h']}}",
				"durable":         one("durable: a.b"),
				"subjects":        one("subjects: [a..b]"),
				"prefix":          one("prefix: 'a.*'"),
				"create":          one("create: all"),
				"start":           one("start: now"),
				"max_age":         one("max_age: 1ns"),
				"replicas":        one("replicas: 9"),
				"dead_letter":     one("dead_letter: 'a >'"),
				"password":        one("user: u"),
				"token":           one("user: u, password: sesame, token: sesame"),
				"creds_file":      one("creds_file: /dev/null"),
				"nkey_file":       one("nkey_file: /dev/null"),
				"ca_file":         one("ca_file: /dev/null"),
				"cert_file":       one("cert_file: /dev/null"),
				"inbox":           one("inbox: '>'"),
				"ack_wait":        one("ack_wait: 1ns"),
				"max_ack_pending": one("max_ack_pending: -1"),
				"silence":         one("silence: 1ns"),
				"timeout":         one("timeout: 1ns"),
				"retry_min":       one("retry_min: 1ns"),
			},
		}
		for name, attack := range attacks {
			f.Attacks = append(f.Attacks, bustest.Attack{
				Name: name, Alone: true, Start: func(t testing.TB) func() {
					exectest.Eventually(t, time.Minute, "all are acknowledged", func() bool { return unacked(t, stream) == 0 })
					return front.attack(attack)
				},
			})
		}
		return f
	})
}

// acked is how many messages of a stream the consumer has acknowledged, as the server counts.
func acked(t testing.TB, stream jetstream.Stream) int {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	info, err := stream.Info(ctx)
	if err != nil {
		t.Errorf("ask for the stream: %v", err)
		return -1
	}
	return int(info.State.Msgs) - unacked(t, stream)
}

// ready waits until a pull is open. What was published before the consumer was made is late, and comes apart.
func ready(t testing.TB, stream jetstream.Stream) {
	exectest.Eventually(t, patience, "the consumer is pulled from", func() bool {
		consumer, err := stream.Consumer(t.Context(), "notifyd")
		return err == nil && consumer.CachedInfo().NumWaiting > 0
	})
}

func unacked(t testing.TB, stream jetstream.Stream) int {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	consumer, err := stream.Consumer(ctx, "notifyd")
	if err != nil {
		t.Errorf("ask for the consumer: %v", err)
		return -1
	}
	info := consumer.CachedInfo()
	return info.NumAckPending + int(info.NumPending)
}

// A front stands before a server: a hostile server, while there is an attack.
type front struct {
	addr     string
	listener net.Listener
	all      sync.WaitGroup

	mu       sync.Mutex
	hostile  func(net.Conn)
	attacked chan struct{}
	conns    map[net.Conn]bool
}

func newFront(t testing.TB, server string) *front {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &front{addr: listener.Addr().String(), listener: listener, conns: map[net.Conn]bool{}}
	f.all.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			f.all.Go(func() { f.serve(conn, server) })
		}
	})
	t.Cleanup(func() {
		listener.Close()
		f.drop()
		f.all.Wait()
	})
	return f
}

func (f *front) drop() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for conn := range f.conns {
		conn.Close()
	}
}

// attack makes it hostile until stop is called, and returns when somebody was attacked.
func (f *front) attack(hostile func(net.Conn)) (stop func()) {
	attacked := make(chan struct{})
	f.mu.Lock()
	f.hostile, f.attacked = hostile, attacked
	f.mu.Unlock()
	f.drop()
	select {
	case <-attacked:
	case <-time.After(20 * time.Second): // whoever waits for the consumer will see
	}
	return func() {
		f.mu.Lock()
		f.hostile = nil
		f.mu.Unlock()
		f.drop()
	}
}

func (f *front) serve(conn net.Conn, server string) {
	f.mu.Lock()
	f.conns[conn] = true
	hostile, attacked := f.hostile, f.attacked
	f.attacked = nil
	f.mu.Unlock()
	defer func() {
		conn.Close()
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.conns, conn)
	}()
	if hostile != nil {
		said := sync.OnceFunc(func() {
			if attacked != nil {
				close(attacked)
			}
		})
		defer said()
		defer time.AfterFunc(100*time.Millisecond, said).Stop() // for one that waits
		hostile(conn)
		return
	}
	peer, err := net.DialTimeout("tcp", server, 20*time.Second)
	if err != nil {
		return
	}
	defer peer.Close()
	f.all.Go(func() {
		io.Copy(conn, peer)
		conn.Close()
	})
	io.Copy(peer, conn)
}

const hello = `INFO {"server_id":"x","version":"2.10.0","headers":true,"max_payload":1048576,"proto":1}` + "\r\n"

// welcome lets a client in, and then sends it a text.
func welcome(text string) func(net.Conn) {
	return func(c net.Conn) {
		io.WriteString(c, hello+"PONG\r\n")
		c.Read(make([]byte, 4096)) // CONNECT
		io.WriteString(c, text)
		io.Copy(io.Discard, c)
	}
}

// attacks are what a hostile server can do to who has just connected.
var attacks = map[string]func(net.Conn){
	"hangs up":                  func(net.Conn) {},
	"garbage":                   func(c net.Conn) { io.WriteString(c, "\x00\xff garbage\r\n"); io.Copy(io.Discard, c) },
	"half a line":               func(c net.Conn) { io.WriteString(c, "INFO {") },
	"no answer":                 func(c net.Conn) { io.Copy(io.Discard, c) },
	"an error":                  welcome("-ERR 'go away'\r\n"),
	"a message of petabytes":    welcome("MSG a 1 9223372036854775807\r\n"),
	"headers of petabytes":      welcome("HMSG a 1 9223372036854775807 9223372036854775807\r\n"),
	"a size that wraps around":  welcome("MSG a 1 18446744073709551617\r\n"),
	"a size with a tail":        welcome("MSG a 1 \r99999\nMSG a 1 9223372036854775807\r\n"),
	"a message for nobody":      welcome("MSG a 77 3\r\nabc\r\n"),
	"half a message":            welcome("MSG a 1 60000000\r\nabc"),
	"headers that are none":     welcome("HMSG a 1 3 3\r\nabc\r\n"),
	"a line without end":        func(c net.Conn) { welcome("")(endless{c}) },
	"an acknowledgement of all": welcome("MSG _INBOX.x 1 $JS.ACK.a.b.c 0\r\n\r\n"),
}

// An endless connection sends a line that does not end.
type endless struct{ net.Conn }

func (e endless) Write(p []byte) (int, error) {
	if n, err := e.Conn.Write(p); string(p) == hello || err != nil {
		return n, err
	}
	e.Conn.Write([]byte("INFO "))
	for range 64 {
		if _, err := e.Conn.Write(make([]byte, 1<<16)); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}
