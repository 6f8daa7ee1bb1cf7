package exectest_test

import (
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/notifyd/notifyd/internal/exectest"
)

// TestFreePortIsKept: a port is given once, refuses dials, and can be listened on again and again.
func TestFreePortIsKept(t *testing.T) {
	given := map[int]bool{}
	for range 100 {
		given[exectest.FreePort(t)] = true
	}
	if len(given) != 100 {
		t.Errorf("100 calls gave %d ports", len(given))
	}
	addr := fmt.Sprintf("127.0.0.1:%d", exectest.FreePort(t))
	if conn, err := net.DialTimeout("tcp", addr, time.Second); err == nil {
		conn.Close()
		t.Error("somebody listens at a free port")
	}
	for range 3 {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
		l.Close()
	}
}
