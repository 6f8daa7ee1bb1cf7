package zmq

import (
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// heap is the memory in use, in bytes.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestABurstWaitsInThePublisher sends 20,000 messages while nobody takes any: the publisher keeps them, as it does for
// a SUB socket of libzmq, and all come in order. Both sides send heartbeats, and neither takes the other for dead.
func TestABurstWaitsInThePublisher(t *testing.T) {
	const count, room = 20_000, 100
	pub := startPython(t, "XPUB", "bind", "tcp://127.0.0.1:*", "SNDHWM=0", "HEARTBEAT_IVL=50", "HEARTBEAT_TIMEOUT=2500")
	other := startPython(t, "XPUB", "bind", "tcp://127.0.0.1:*")
	c := fast(pub.addr, other.addr)
	c.Heartbeat = 100 * time.Millisecond
	s, in := subscribe(t, c, room)
	pub.subscribed("")
	other.subscribed("")
	before := heap()
	payload := "%%d " + strings.Repeat("x", 2000)
	pub.do(`{"send": ["t", "`+payload+`"], "times": %d}`, count)
	eventually(t, "it waits for three seconds", func() bool { return s.Stats().Endpoints[0].Waited > 3*time.Second })
	if n := in.Len(); n != room {
		t.Errorf("%d frames are queued, want %d", n, room)
	}
	if grown := heap() - before; grown > 8<<20 {
		t.Errorf("the memory has grown by %d bytes", grown)
	}
	other.do(`{"send": ["other", "{}"]}`)
	eventually(t, "the other endpoint's message", func() bool { return in.Len() == room+1 })
	for i, others := 1, 0; i <= count || others == 0; {
		f := receive(t, in)
		f.Done()
		if f.Source == "e1" {
			if others++; i > 3 {
				t.Errorf("the other endpoint's message came after %d of the burst", i)
			}
			continue
		}
		if n, _, _ := strings.Cut(string(f.Payload), " "); n != fmt.Sprint(i) {
			t.Fatalf("message %s came, want %d", n, i)
		}
		i++
	}
	if e := s.Stats().Endpoints[0]; e.Received != count || len(e.Dropped) > 0 || e.Connects != 1 || len(e.Failures) > 0 {
		t.Errorf("stats %+v", e)
	}
}

// TestAPauseIsNotThePeersSilence reads nothing for an hour, while a silent peer would be ended after less than a
// minute. The peer gets PINGs, and what it has sent is read afterwards.
func TestAPauseIsNotThePeersSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, peer := net.Pipe()
		defer peer.Close()
		conn := newZMTPConn(client, limits{
			message: 1000, handshake: time.Second, write: time.Second, oneMessage: time.Second,
			heartbeat: 10 * time.Second, silence: 30 * time.Second,
		}, time.Now)
		defer conn.Close()
		conn.inFraming.skip = 0
		conn.handshakeDone()
		pings := make(chan int)
		go func() {
			all, _ := io.ReadAll(io.LimitReader(peer, int64(360*len(ping))))
			pings <- strings.Count(string(all), "PING")
		}()
		resume := conn.pause()
		time.Sleep(time.Hour + time.Second)
		resume()
		if n := <-pings; n != 360 {
			t.Errorf("%d PINGs in an hour", n)
		}
		go func() {
			time.Sleep(5 * time.Second)
			peer.Write(part(0, []byte("late")))
		}()
		got := make([]byte, 6)
		if _, err := io.ReadFull(conn, got); err != nil {
			t.Errorf("after the pause: %v", err)
		}
	})
}

// TestAStopIsNotThePeersSilence has the process stop for an hour, as a suspended machine does. What the peer has sent
// meanwhile is read, and one that has sent nothing gets the usual time for an answer.
func TestAStopIsNotThePeersSilence(t *testing.T) {
	for name, answer := range map[string]bool{"it has sent": false, "it answers": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, peer := net.Pipe()
				conn := newZMTPConn(client, limits{
					message: 1000, handshake: time.Second, write: time.Second, oneMessage: time.Second,
					heartbeat: 10 * time.Second, silence: 30 * time.Second,
				}, time.Now)
				defer conn.Close()
				defer peer.Close()
				conn.inFraming.skip = 0
				conn.handshakeDone()
				conn.excuse(-time.Hour)
				go func() {
					if answer {
						io.ReadFull(peer, make([]byte, len(ping)))
						time.Sleep(9 * time.Second)
					}
					go io.Copy(io.Discard, peer)
					peer.Write(part(0, []byte("late")))
				}()
				if _, err := io.ReadFull(conn, make([]byte, 6)); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestAFullQueueEndsWithItsContext: a source that waits ends at once.
func TestAFullQueueEndsWithItsContext(t *testing.T) {
	noLeaks(t)
	honest := join(part(flagMore, []byte("t")), part(0, []byte("{}")))
	s, in := subscribe(t, fast(server(t, endless(greetingAndReady(), honest))), 1)
	eventually(t, "it waits", func() bool { return s.Stats().Endpoints[0].Waiting })
	if n := in.Len(); n != 1 {
		t.Errorf("%d frames are queued", n)
	}
}
