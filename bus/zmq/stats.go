package zmq

import (
	"maps"
	"sync"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/internal/metric"
)

// Stats is a snapshot of the figures of a Source since its start.
type Stats struct {
	Endpoints []EndpointStats // by name and address
}

// EndpointStats is a snapshot of one address of one endpoint.
type EndpointStats struct {
	Name, Address string
	bus.Traffic                     // connected: from the handshake on; messages are missing before each reconnect
	Failures      map[string]uint64 // connections that ended or were not made, by reason: see the Failed constants
}

// Reasons for which a message is dropped, beside those of package bus.
const (
	DroppedParts        = "frame_count"  // not two parts
	DroppedUnsubscribed = "unsubscribed" // a topic without a subscription
)

// Reasons for which a connection ends.
const (
	FailedDial      = "dial"      // nobody listens, or the name does not resolve
	FailedHandshake = "handshake" // no ZMTP 3 publisher with NULL security
	FailedSilent    = "silent"    // no answer to PING, no message for long, or half a message
	FailedTooLarge  = "too_large" // a message over the limit
	FailedFlood     = "flood"     // commands without end
	FailedLost      = "lost"      // the peer or the network closed the connection
	FailedPanic     = "panic"     // the codec panicked at what the peer sent
)

// Stats gives a snapshot; safe at any time.
func (s *Source) Stats() Stats {
	var stats Stats
	for _, e := range s.current() {
		stats.Endpoints = append(stats.Endpoints, e.stats())
	}
	return stats
}

// Collect emits the figures of every endpoint: a Source is bus.Metered.
func (s *Source) Collect(emit metric.Emit) {
	for _, e := range s.current() {
		e.meter.Collect(emit)
	}
	s.collectFinders(emit)
}

func (e *endpoint) stats() EndpointStats {
	s := e.counts.snapshot()
	s.Name, s.Address, s.Traffic = e.name, e.addr.String(), e.meter.Traffic()
	return s
}

// counters are the figures of an endpoint that its meter does not count. Its goroutine writes, any may read a snapshot.
type counters struct {
	mu    sync.Mutex
	stats EndpointStats
}

func (c *counters) snapshot() EndpointStats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.stats
	s.Failures = maps.Clone(s.Failures)
	return s
}

func (c *counters) failed(reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stats.Failures[reason]++
}
