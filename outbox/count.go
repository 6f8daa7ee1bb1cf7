package outbox

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// bounds are the upper bounds of the buckets of a Histogram, in seconds.
var bounds = [...]float64{0.01, 0.05, 0.25, 1, 2.5, 5, 10, 30, 60, 300, 3600}

// A Histogram counts durations. Buckets holds, for each bound in seconds, how many were not longer (cumulative, as
// Prometheus has it).
type Histogram struct {
	Buckets map[float64]uint64
	Sum     float64 // seconds
	Count   uint64
}

func (h *Histogram) add(d time.Duration) {
	if h.Buckets == nil {
		h.Buckets = map[float64]uint64{}
	}
	for _, b := range bounds {
		if d.Seconds() <= b {
			h.Buckets[b]++
		} else {
			h.Buckets[b] += 0
		}
	}
	h.Sum += d.Seconds()
	h.Count++
}

func (h Histogram) clone() Histogram {
	buckets := make(map[float64]uint64, len(h.Buckets))
	for b, n := range h.Buckets {
		buckets[b] = n
	}
	h.Buckets = buckets
	return h
}

// A Count is what one backend has done since the process started. Sent, Deferred, Refused and Expired count parcels.
type Count struct {
	Backend      string
	Sent         uint64
	Deferred     uint64            // tried again later
	Refused      uint64            // never to be taken: dead
	Expired      uint64            // tried for too long: dead
	Waits        uint64            // put off since the address must wait (backends.Wait)
	Returned     uint64            // not tried to the end: backend down, or shutting down
	Notices      uint64            // in the parcels sent
	Digests      uint64            // parcels sent with more than one notice
	Folded       uint64            // notices that were counted and not kept, since too many waited
	Held         map[string]uint64 // notices that were held, by the first word of their Hold
	Down         bool              // the backend, or one of its networks, is down as far as we know
	networksDown int               // that are down

	Send  Histogram // duration of each Send
	Owed  Histogram // of each notice sent: from its due time to its end
	Total Histogram // of each notice sent: from Add to its end
}

// counts is zero when nothing has happened.
type counts struct {
	mu        sync.Mutex
	byBackend map[string]*Count
}

func (c *counts) of(backend string) *Count {
	if c.byBackend == nil {
		c.byBackend = map[string]*Count{}
	}
	if c.byBackend[backend] == nil {
		c.byBackend[backend] = &Count{Backend: backend}
	}
	return c.byBackend[backend]
}

func (c *counts) add(backend string, done completion, took time.Duration, ended time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.of(backend)
	n.Send.add(took)
	switch done.result {
	case deferred:
		n.Deferred++
	case refused:
		n.Refused++
	case expired:
		n.Expired++
	case waits:
		n.Waits++
	case returned, unsent:
		n.Returned++
	case sent:
		n.Sent++
		n.Notices += uint64(len(done.rows))
		if len(done.rows) > 1 {
			n.Digests++
		}
		for _, r := range done.rows {
			n.Owed.add(max(0, ended.Sub(unstamp(r.DueAt))))
			n.Total.add(max(0, ended.Sub(unstamp(r.AddedAt))))
		}
	}
}

// fold counts notices that were not kept.
func (c *counts) fold(backend string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.of(backend).Folded += uint64(n)
}

// hold counts notices that were held.
func (c *counts) hold(backend, why string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	of := c.of(backend)
	if of.Held == nil {
		of.Held = map[string]uint64{}
	}
	of.Held[why] += uint64(n)
}

// down counts the networks of a backend that are down.
func (c *counts) down(backend string, change int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.of(backend)
	n.networksDown += change
	n.Down = n.networksDown > 0
}

// Counts gives what every backend has done since the process started, by name.
func (o *Outbox) Counts() []Count {
	o.counts.mu.Lock()
	defer o.counts.mu.Unlock()
	var all []Count
	for _, c := range o.counts.byBackend {
		copied := *c
		copied.Send, copied.Owed, copied.Total = c.Send.clone(), c.Owed.clone(), c.Total.clone()
		copied.Held = maps.Clone(c.Held)
		all = append(all, copied)
	}
	slices.SortFunc(all, func(a, b Count) int {
		if a.Backend < b.Backend {
			return -1
		}
		return 1
	})
	return all
}
