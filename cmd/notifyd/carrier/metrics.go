package carrier

import (
	"maps"
	"sync"
	"time"

	"github.com/notifyd/notifyd/internal/metric"
)

// Metrics by which `notifyd status` knows a bridge.
const (
	UpMetric            = "notifyd_bridge_up"
	BehindMetric        = "notifyd_bridge_behind_messages"
	BehindSecondsMetric = "notifyd_bridge_behind_seconds"
	SentMetric          = "notifyd_bridge_sent_total"
	LostMetric          = "notifyd_bridge_lost_total"
)

var (
	upDesc = bridgeDesc(UpMetric, "1 unless the last attempt to hand messages on failed.", metric.Gauge)
	behind = bridgeDesc(BehindMetric, "Messages that are stored and were not looked at yet.", metric.Gauge)
	since  = bridgeDesc(BehindSecondsMetric, "For how long the oldest of them has been stored.", metric.Gauge)
	sent   = bridgeDesc(SentMetric, "Messages that the other bus has confirmed.", metric.Counter)
	lost   = bridgeDesc(LostMetric, "Messages that were deleted from the history before they were looked at, since the bridge "+
		"was made.", metric.Counter)
	skipped = bridgeDesc("notifyd_bridge_skipped_total", "Messages that are not for the other bus, by reason.",
		metric.Counter, "reason")
	refused = bridgeDesc("notifyd_bridge_refused_total", "Messages that the other bus will never take, by reason.",
		metric.Counter, "reason")
	failures = bridgeDesc("notifyd_bridge_failures_total", "Attempts to hand messages on that failed.", metric.Counter)
	standing = bridgeDesc("notifyd_bridge_standby", "1 while another process works for the bridge.", metric.Gauge)
)

func bridgeDesc(name, help string, t metric.Type, more ...string) *metric.Desc {
	return &metric.Desc{Name: name, Help: help, Type: t, Labels: append([]string{"bridge", "to"}, more...)}
}

// figures are what a Carrier counts.
type figures struct {
	down, standby bool
	behind        int64
	oldest        time.Time // zero: nothing waits
	sent, failed  uint64
	lost          int64
	skipped       map[string]uint64
	refused       map[string]uint64
}

// counts are figures under a lock, since the pages of metrics read them at any time.
type counts struct {
	mu sync.Mutex
	figures
}

func (c *counts) change(do func(f *figures)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	do(&c.figures)
}

func (c *counts) skip(reason string)   { c.change(func(f *figures) { f.skipped[reason]++ }) }
func (c *counts) refuse(reason string) { c.change(func(f *figures) { f.refused[reason]++ }) }
func (c *counts) fail()                { c.change(func(f *figures) { f.failed++; f.down = true }) }
func (c *counts) standBy(is bool) {
	c.change(func(f *figures) { f.standby, f.behind, f.oldest = is, 0, time.Time{} })
}
func (c *counts) caughtUp() {
	c.change(func(f *figures) { f.standby, f.behind, f.oldest = false, 0, time.Time{} })
}

func (c *counts) setBehind(n int64, oldest time.Time) {
	c.change(func(f *figures) { f.standby, f.behind, f.oldest = false, n, oldest })
}

func (c *counts) carried(n int) { c.change(func(f *figures) { f.sent += uint64(n) }) }
func (c *counts) works()        { c.change(func(f *figures) { f.down = false }) }

// setLost notes how many are lost, and gives how many more that is.
func (c *counts) setLost(n int64) (more int64) {
	c.change(func(f *figures) { more, f.lost = n-f.lost, n })
	return more
}

// Collect emits the figures of the bridge.
func (c *Carrier) Collect(emit metric.Emit) {
	c.counts.mu.Lock()
	f := c.counts.figures
	f.skipped, f.refused = maps.Clone(f.skipped), maps.Clone(f.refused)
	c.counts.mu.Unlock()
	one := func(d *metric.Desc, value float64, more ...string) {
		emit(d, value, append([]string{c.Name, c.Open.To}, more...)...)
	}
	one(upDesc, metric.Bool(!f.down))
	one(standing, metric.Bool(f.standby))
	one(behind, float64(f.behind))
	age := 0.0
	if !f.oldest.IsZero() {
		age = max(0, c.Now().Sub(f.oldest).Seconds())
	}
	one(since, age)
	one(sent, float64(f.sent))
	one(lost, float64(f.lost))
	one(failures, float64(f.failed))
	for reason, n := range f.skipped {
		one(skipped, float64(n), reason)
	}
	for reason, n := range f.refused {
		one(refused, float64(n), reason)
	}
	c.Open.Bridge.Collect(emit)
}
