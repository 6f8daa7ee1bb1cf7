package zmq

import (
	"context"
	"sync"
	"time"
)

// write writes the queue until the peer is gone. Once ctx has ended it writes what is queued, within Linger, and ends.
func (q *peer) write(ctx context.Context) {
	for q.writeAll() {
		select {
		case <-q.queue.more:
		case <-q.gone:
			return
		case <-ctx.Done():
			if q.writeAll() {
				q.closeHalf()
			}
			return
		}
	}
}

// writeBuffers are lent to a peer while it has messages to join: one that has nothing to write holds none.
var writeBuffers = sync.Pool{New: func() any { return new([writeAtOnce]byte) }}

// writeAll writes what is queued; false: the connection is lost.
func (q *peer) writeAll() bool {
	buffer := writeBuffers.Get().(*[writeAtOnce]byte)
	defer writeBuffers.Put(buffer)
	for {
		wire, flushed := q.queue.take(buffer[:])
		if wire == nil {
			return true
		}
		if _, err := q.conn.writeWhole(wire); err != nil {
			q.conn.Close()
			return false
		}
		q.queue.written()
		if flushed != nil {
			close(flushed)
		}
	}
}

// linger closes the connection when ctx has ended and Linger has passed, whatever the peer does.
func (q *peer) linger(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-q.gone:
		return
	}
	timer := time.NewTimer(q.publisher.config.Linger)
	defer timer.Stop()
	select {
	case <-timer.C:
		q.conn.Close()
	case <-q.gone:
	}
}

// closeHalf closes our half of the connection. The peer reads to that end and closes its own half; if we closed both,
// what is under way could be lost.
func (q *peer) closeHalf() {
	if half, ok := q.conn.Conn.(interface{ CloseWrite() error }); !ok || half.CloseWrite() != nil {
		q.conn.Close()
	}
}

// flush waits until the peer has answered a PING that is sent after all that is queued now, for patience at most. A
// subscriber that leaves instead, as one that wants a single message does, has read what was sent: where anything is
// unread, the system resets the connection.
func (q *peer) flush(ctx context.Context, patience time.Duration) error {
	select {
	case <-q.pong: // an old answer
	default:
	}
	mark := make(chan struct{})
	q.queue.mark(mark)
	select {
	case <-mark:
	case <-q.gone:
		return q.parting(mark)
	case <-ctx.Done():
		return ctx.Err()
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-q.pong:
	case <-timer.C:
	case <-q.gone:
		return q.parting(mark)
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// parting is what flush says of a peer that is gone.
func (q *peer) parting(mark <-chan struct{}) error {
	<-q.ended
	select {
	case <-mark:
		if q.left {
			return nil
		}
	default:
	}
	return errGone
}
