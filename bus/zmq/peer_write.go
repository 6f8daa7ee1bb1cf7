package zmq

import (
	"context"
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

// writeAll writes what is queued; false: the connection is lost.
func (q *peer) writeAll() bool {
	for {
		it, ok := q.queue.take()
		if !ok {
			return true
		}
		if !q.writeItem(it) {
			return false
		}
	}
}

// writeItem writes one item; false: the connection is lost.
func (q *peer) writeItem(it item) bool {
	wire := it.wire
	if it.flushed != nil {
		wire = ping
	}
	if _, err := q.conn.writeWhole(wire); err != nil {
		q.conn.Close()
		return false
	}
	if it.flushed != nil {
		close(it.flushed)
	} else {
		q.queue.written(wire)
	}
	return true
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

// flush waits until the peer has answered a PING that is sent after all that is queued now, for patience at most.
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
		return errGone
	case <-ctx.Done():
		return ctx.Err()
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-q.pong:
	case <-timer.C:
	case <-q.gone:
		return errGone
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}
