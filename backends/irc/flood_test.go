package irc_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/notifyd/notifyd/backends/irc"
	"github.com/notifyd/notifyd/internal/exectest"
)

// connections is over how many the test says its notices: the server takes one line a second from each.
// NOTIFYD_FLOOD_CONNECTIONS=1 says all over one, which takes more than three minutes.
func connections(t *testing.T) int {
	text := os.Getenv("NOTIFYD_FLOOD_CONNECTIONS")
	if text == "" {
		return 5
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > 20 {
		t.Fatalf("NOTIFYD_FLOOD_CONNECTIONS=%q is none of 1 to 20", text)
	}
	return n
}

// TestFloodLimits says a hundred notices of two lines to a server with its default limits (fakelag: ten lines, then one
// a second; a queue of 8 kB). No connection is cut off and every line arrives, at notifyd's own pace, and also where an
// operator has set a pace that the server does not bear: then its answers, which are waited for, set it.
func TestFloodLimits(t *testing.T) {
	t.Parallel()
	const notices = 100
	s, box := startInspircd(t), &inbox{}
	box.watch(t, "127.0.0.1:"+s.port, "alice")
	var c irc.Config
	for i := range connections(t) {
		n := network(s.port)
		n.Name, n.Nick = fmt.Sprint("test", i), fmt.Sprint("notifyd", i)
		if i%2 == 1 {
			n = fast(n)
		}
		c.Networks = append(c.Networks, n)
	}
	b, _ := open(t, c)
	ctx, cancel := context.WithTimeout(t.Context(), 6*time.Minute)
	defer cancel()
	var sending sync.WaitGroup
	for i, n := range c.Networks {
		sending.Go(func() {
			for k := i; k < notices; k += len(c.Networks) {
				text := fmt.Sprintf("begin%02d %send%02d", k, strings.Repeat("lanternfish ", 55), k)
				if err := b.Send(ctx, parcel("alice@"+n.Name, notice(text))); err != nil {
					t.Errorf("notice %d: %v", k, err)
					return
				}
			}
		})
	}
	sending.Wait()
	exectest.Eventually(t, patience, "all lines", func() bool { return len(box.heard()) >= 2*notices })
	for k := range notices {
		if first, last := box.with(fmt.Sprintf("begin%02d", k)), box.with(fmt.Sprintf("end%02d", k)); len(first) != 1 ||
			len(last) != 1 {
			t.Errorf("notice %d: the first line came %d times, the last %d times", k, len(first), len(last))
		}
	}
	if all := box.heard(); len(all) != 2*notices {
		t.Errorf("%d lines, want %d", len(all), 2*notices)
	}
	for _, stats := range b.Stats() {
		if stats.Reconnects != 0 || stats.Failed != 0 {
			t.Errorf("a connection was cut off: %+v", stats)
		}
	}
}
