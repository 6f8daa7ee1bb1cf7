package zmq

import (
	"sync"
	"sync/atomic"
)

// A peerQueue is what a peer has not taken yet. It takes memory only for what is in it, so it may be deep. All peers
// share a bound on bytes: but for a little of its own, none may hold more than what is still free (dynamic thresholds,
// Choudhury and Hahne 1998). Peers share the bytes of a message too, so that the bound is on the safe side.
type peerQueue struct {
	config *PublisherConfig
	held   *atomic.Int64 // bytes in the queues of all peers
	more   chan struct{} // has room for one: there may be an item

	mu      sync.Mutex
	items   []item
	bytes   int64  // of messages that are not written
	waiting uint64 // such messages
}

// ownBytes are a peer's whatever others hold.
const ownBytes = 256 << 10

// An item is the bytes of a message, or a PING by which Flush sees that all before it is written.
type item struct {
	wire    []byte
	flushed chan struct{}
}

func newPeerQueue(p *Publisher) *peerQueue {
	return &peerQueue{config: &p.config, held: &p.held, more: make(chan struct{}, 1)}
}

// put adds a message; false: there is no room for it.
func (q *peerQueue) put(wire []byte) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := int64(len(wire))
	free := min(q.config.Bytes, max(ownBytes, q.config.Total-q.held.Load()))
	if len(q.items) >= q.config.Queue || q.bytes > 0 && q.bytes+n > free {
		return false
	}
	q.bytes += n
	q.held.Add(n)
	q.waiting++
	q.add(item{wire: wire})
	return true
}

// mark adds a PING.
func (q *peerQueue) mark(flushed chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.add(item{flushed: flushed})
}

func (q *peerQueue) add(it item) {
	q.items = append(q.items, it)
	select {
	case q.more <- struct{}{}:
	default:
	}
}

// writeAtOnce is how many bytes of small messages are written as one.
const writeAtOnce = 32 << 10

// take takes what is written next: one item, or as many messages as fit into writeAtOnce, joined in buffer. count is
// the number of messages in wire, 0 for a PING; nil: there is nothing.
func (q *peerQueue) take(buffer []byte) (wire []byte, count int, flushed chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	n, size := 0, 0
	for n < len(q.items) && q.items[n].flushed == nil && (n == 0 || size+len(q.items[n].wire) <= writeAtOnce) {
		size += len(q.items[n].wire)
		n++
	}
	switch {
	case len(q.items) == 0:
		return nil, 0, nil
	case n == 0:
		wire, flushed = ping, q.items[0].flushed
	case n == 1:
		wire, count = q.items[0].wire, 1
	default:
		wire, count = buffer[:0], n
		for _, it := range q.items[:n] {
			wire = append(wire, it.wire...)
		}
	}
	n = max(n, 1)
	clear(q.items[:n]) // their bytes can go as soon as they are written
	q.items = q.items[n:]
	return wire, count, flushed
}

// written notes that count messages which were taken are on their way.
func (q *peerQueue) written(wire []byte, count int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.bytes -= int64(len(wire))
	q.held.Add(-int64(len(wire)))
	q.waiting -= uint64(count)
}

// lose gives up what is not written, and gives how many messages that are.
func (q *peerQueue) lose() uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := q.waiting
	q.held.Add(-q.bytes)
	q.items, q.bytes, q.waiting = nil, 0, 0
	return n
}
