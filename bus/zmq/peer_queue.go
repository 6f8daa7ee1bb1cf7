package zmq

import (
	"sync"
	"sync/atomic"
)

// A peerQueue is what a peer has not taken yet. It takes memory only for what is in it, so it may be deep. All peers
// share a bound on bytes: but for a little of its own, none may hold more than what is still free (dynamic thresholds,
// Choudhury and Hahne 1998).
type peerQueue struct {
	config *PublisherConfig
	held   *atomic.Int64 // bytes in the queues of all peers
	more   chan struct{} // has room for one: there may be an item

	mu      sync.Mutex
	items   []item
	taken   []item // items that are being written
	bytes   int64  // of messages that are not written
	waiting uint64 // such messages
}

const (
	// ownBytes are a peer's whatever others hold.
	ownBytes = 256 << 10
	// itemCost is what an item takes beside the bytes of its parcel.
	itemCost = 32
)

// A parcel is the bytes of a message, or of several that follow each other. All queues that it is in share them, so
// they count once in the bound that all peers share.
type parcel struct {
	wire   []byte
	count  int          // messages
	queues atomic.Int32 // that it is in
}

// An item is a parcel, or a PING by which Flush sees that all before it is written.
type item struct {
	*parcel
	flushed chan struct{}
}

func newPeerQueue(p *Publisher) *peerQueue {
	return &peerQueue{config: &p.config, held: &p.held, more: make(chan struct{}, 1)}
}

// put adds a parcel; false: there is no room for all of it.
func (q *peerQueue) put(p *parcel) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := int64(len(p.wire))
	free := min(q.config.Bytes, max(ownBytes, q.config.Total-q.held.Load()))
	if q.waiting+uint64(p.count) > uint64(q.config.Queue) || q.bytes > 0 && q.bytes+n > free {
		return false
	}
	q.bytes += n
	q.waiting += uint64(p.count)
	if p.queues.Add(1) == 1 {
		q.held.Add(n)
	}
	q.held.Add(itemCost)
	q.add(item{parcel: p})
	return true
}

// release gives back what items took. The caller holds q.mu.
func (q *peerQueue) release(items []item) {
	for _, it := range items {
		if it.parcel == nil {
			continue
		}
		n := int64(len(it.wire))
		q.bytes -= n
		q.waiting -= uint64(it.count)
		if it.queues.Add(-1) == 0 {
			q.held.Add(-n)
		}
		q.held.Add(-itemCost)
	}
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

// take takes what is written next: one item, or as many parcels as fit into writeAtOnce, joined in buffer. flushed is
// that of a PING; a wire that is nil: there is nothing. Then it is written, or lost.
func (q *peerQueue) take(buffer []byte) (wire []byte, flushed chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	n, size := 0, 0
	for n < len(q.items) && q.items[n].flushed == nil && (n == 0 || size+len(q.items[n].wire) <= writeAtOnce) {
		size += len(q.items[n].wire)
		n++
	}
	switch {
	case len(q.items) == 0:
		return nil, nil
	case n == 0:
		wire, flushed = ping, q.items[0].flushed
	case n == 1:
		wire = q.items[0].wire
	default:
		wire = buffer[:0]
		for _, it := range q.items[:n] {
			wire = append(wire, it.wire...)
		}
	}
	n = max(n, 1)
	q.taken = append(q.taken[:0], q.items[:n]...)
	clear(q.items[:n]) // their bytes can go as soon as they are written
	q.items = q.items[n:]
	return wire, flushed
}

// written notes that what was taken is on its way.
func (q *peerQueue) written() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.release(q.taken)
	clear(q.taken)
	q.taken = q.taken[:0]
}

// lose gives up what is not written, and gives how many messages that are.
func (q *peerQueue) lose() uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := q.waiting
	q.release(q.taken)
	q.release(q.items)
	q.items, q.taken = nil, nil
	return n
}
