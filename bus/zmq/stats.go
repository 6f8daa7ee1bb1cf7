package zmq

import (
	"log/slog"
	"maps"
	"sync"
	"time"
)

// Stats is a snapshot of what a Source has seen since its start.
type Stats struct {
	Endpoints []EndpointStats // by name and address
}

// EndpointStats is a snapshot of one address of one endpoint.
type EndpointStats struct {
	Name, Address string
	Connected     bool              // the handshake has been done and the connection stands
	Received      uint64            // messages of two frames within the bounds, handed over or dropped because out was full
	Dropped       map[string]uint64 // messages that were not handed over, by reason: see the Dropped constants
	Missing       uint64            // messages that were sent and not received, as far as counters tell; see bus.Gaps
	Gaps          uint64            // how often some were missing
	LastMessage   time.Time         // zero: none yet
	Connects      uint64            // handshakes done; each but the first is a reconnect, and a hole before it
	Failures      map[string]uint64 // connections that ended or did not come about, by reason: see the Failed constants
}

// Reasons for which a message is dropped.
const (
	DroppedFull    = "queue_full"   // whoever reads out does not keep up
	DroppedFrames  = "frame_count"  // not two frames
	DroppedTopic   = "bad_topic"    // bus.CheckTopic refuses it
	DroppedUnasked = "unsubscribed" // a topic that nobody subscribed to
	DroppedLarge   = "too_large"    // a payload over bus.MaxPayload
)

// Reasons for which a connection ends.
const (
	FailedDial      = "dial"      // nobody listens, or the name does not resolve
	FailedHandshake = "handshake" // no ZMTP 3 publisher with NULL security
	FailedSilent    = "silent"    // no answer to PING, no message for long, or one begun and not ended
	FailedTooLarge  = "too_large" // a message over the limit
	FailedFlood     = "flood"     // commands without end
	FailedLost      = "lost"      // the peer or the network closed the connection
	FailedPanic     = "panic"     // the peer sent what the codec cannot bear
)

// counters are one endpoint's figures. The session's goroutine writes, anybody reads a snapshot.
type counters struct {
	mu    sync.Mutex
	stats EndpointStats
}

func (c *counters) snapshot() EndpointStats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.stats
	s.Dropped, s.Failures = maps.Clone(s.Dropped), maps.Clone(s.Failures)
	return s
}

func (c *counters) connected(now bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stats.Connected = now
	if now {
		c.stats.Connects++
	}
}

func (c *counters) received(at time.Time, missing int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stats.Received++
	c.stats.LastMessage = at
	if missing > 0 {
		c.stats.Gaps++
		c.stats.Missing += uint64(missing)
	}
}

// dropped counts and gives the new count.
func (c *counters) dropped(reason string) uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stats.Dropped[reason]++
	return c.stats.Dropped[reason]
}

func (c *counters) failed(reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stats.Failures[reason]++
}

// A dropLog says that messages are dropped: for each reason at once, and then, while it goes on, once an interval.
type dropLog struct {
	log   *slog.Logger
	every time.Duration
	last  map[string]time.Time // reasons are few and ours
}

func (d *dropLog) say(reason string, total uint64, now time.Time) {
	if last, ok := d.last[reason]; ok && now.Sub(last) < d.every {
		return
	}
	d.last[reason] = now
	d.log.Warn("messages dropped", "reason", reason, "total", total)
}
