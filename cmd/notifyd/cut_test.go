package main

import (
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/notifyd/notifyd/internal/exectest"
)

// A cable leads from an address of its own to another, and can be cut.
type cable struct {
	to string

	mu    sync.Mutex
	cut   bool
	conns []net.Conn
}

// layCable gives the port at its near end.
func layCable(t *testing.T, to int) (*cable, int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cable{to: fmt.Sprintf("127.0.0.1:%d", to)}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { c.carry(near) })
		}
	})
	t.Cleanup(func() { l.Close(); c.set(true); all.Wait() })
	return c, l.Addr().(*net.TCPAddr).Port
}

// set cuts the cable, with all connections through it, or mends it.
func (c *cable) set(cut bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut = cut
	if !cut {
		return
	}
	for _, conn := range c.conns {
		conn.Close()
	}
	c.conns = nil
}

func (c *cable) carry(near net.Conn) {
	defer near.Close()
	far, err := net.Dial("tcp", c.to)
	if err != nil {
		return
	}
	defer far.Close()
	c.mu.Lock()
	if c.cut {
		c.mu.Unlock()
		return
	}
	c.conns = append(c.conns, near, far)
	c.mu.Unlock()
	var back sync.WaitGroup
	back.Go(func() { io.Copy(near, far); near.Close() })
	io.Copy(far, near)
	far.Close()
	back.Wait()
}

// TestWhatALostConnectionMissedIsFilled: also when the publisher is silent afterwards, so that no number shows it.
func TestWhatALostConnectionMissedIsFilled(t *testing.T) {
	h := newHoled(t, withReplay, nothing)
	keeper := startKeeper(t, h.busPort, h.replay)
	cable, near := layCable(t, h.busPort)
	h.busPort = near
	h.configure(withReplay, nothing)
	h.start()
	exectest.Eventually(t, 20*time.Second, "a message is stored", func() bool {
		keeper.do(`{"publish": 1}`)
		return h.stored() > 0
	})
	cable.set(true)
	waitMetric(t, h.metricsPort, "notifyd_source_connected{", " 0")
	before := keeper.published()
	keeper.do(`{"publish": 70}`)
	exectest.Eventually(t, 20*time.Second, "70 more are published", func() bool { return keeper.published() >= before+70 })
	cable.set(false)
	want := keeper.published() - h.missedFirst()
	exectest.Eventually(t, 20*time.Second, "all are stored", func() bool { return h.stored() == want })
	waitMetric(t, h.metricsPort, "notifyd_source_connected{", " 1")
}
