package carrier

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/internal/exectest"
)

// TestOutageIsSaidOnce: each attempt fails by another port and with more messages, and what is left out is looked at
// each time.
func TestOutageIsSaidOnce(t *testing.T) {
	each(t, func(t *testing.T, x *fixture) {
		to := &far{}
		to.set(func() { to.down = fmt.Errorf("read tcp 127.0.0.1:%d->127.0.0.1:5672: reset", 40000) })
		c := x.carrier(to, bus.Choice{}, "one")
		x.run(c)
		marked := func(m *bus.Message) { m.Standing.Marked = true }
		for i := range 5 {
			x.put(marked, fmt.Sprint("2026-left-", i))
			x.put(nil, fmt.Sprint("2026-", i))
			to.set(func() { to.down = fmt.Errorf("read tcp 127.0.0.1:%d->127.0.0.1:5672: reset", 40001+i) })
			failed := value(c, "notifyd_bridge_failures_total", "")
			exectest.Eventually(t, 10*time.Second, "it fails", func() bool {
				return value(c, "notifyd_bridge_failures_total", "") > failed+1
			})
		}
		if n := strings.Count(x.log.String(), "not handed on"); n != 1 {
			t.Errorf("the log says it %d times:\n%s", n, x.log)
		}
		to.set(func() { to.down = nil })
		x.want(to, []string{"2026-0", "2026-1", "2026-2", "2026-3", "2026-4"})
		exectest.Eventually(t, 10*time.Second, "it has caught up", func() bool { return value(c, BehindMetric, "") == 0 })
		if n := value(c, "notifyd_bridge_skipped_total", skippedMarked); n != 5 {
			t.Errorf("%v are counted as left out, want 5", n)
		}
	})
}
