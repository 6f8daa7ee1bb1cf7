package zmq

import "time"

// PublisherConfig bounds a Publisher. The zero value of a field means its default.
type PublisherConfig struct {
	Queue    int           // messages a peer may be behind; default 1000
	Bytes    int64         // bytes a peer may be behind; default 64 MiB
	Peers    int           // peers at once; default 1000
	Prefixes int           // subscriptions of one peer; default 1000
	Timeout  time.Duration // for dialling, the handshake, and one write; default 10s
	Linger   time.Duration // for a peer to take what is queued when Run ends; default 1s
}

// PublisherStats is a snapshot of a Publisher's figures.
type PublisherStats struct {
	Peers     int    // connected now
	Published uint64 // messages given to Publish
	Queued    uint64 // messages put into some peer's queue
	Dropped   uint64 // messages that a peer's full queue did not take, or that were in it when the peer was lost
	Refused   uint64 // connections that failed: no handshake in time, a bound broken, or the line lost
}

func (c PublisherConfig) withDefaults() PublisherConfig {
	c.Queue = orDefault(c.Queue, 1000)
	c.Bytes = orDefault(c.Bytes, 64<<20)
	c.Peers = orDefault(c.Peers, 1000)
	c.Prefixes = orDefault(c.Prefixes, 1000)
	c.Timeout = orDefault(c.Timeout, 10*time.Second)
	c.Linger = orDefault(c.Linger, time.Second)
	return c
}

func orDefault[T int | int64 | time.Duration](v, d T) T {
	if v <= 0 {
		return d
	}
	return v
}
