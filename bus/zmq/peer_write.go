package zmq

import (
	"context"
	"time"
)

// write sends the queue until the peer is gone; once ctx has ended, what is queued then and no more, within Linger.
func (q *peer) write(ctx context.Context) {
	for {
		select {
		case it := <-q.queue:
			if !q.put(it) {
				return
			}
		case <-q.gone:
			return
		case <-ctx.Done():
			q.finish()
			return
		}
	}
}

// put sends one item; false ends the connection.
func (q *peer) put(it item) bool {
	wire := it.wire
	if it.mark != nil {
		wire = ping
	}
	if _, err := q.guard.send(wire); err != nil {
		q.guard.Close()
		return false
	}
	if it.mark != nil {
		close(it.mark)
	} else {
		q.taken(wire)
	}
	return true
}

// linger closes the connection some time after ctx has ended, whatever the peer does.
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
		q.guard.Close()
	case <-q.gone:
	}
}

// finish writes what is queued and closes our half of the connection, so that the peer can read it and close its own: a
// connection closed at once may take what is under way with it.
func (q *peer) finish() {
	for len(q.queue) > 0 {
		if !q.put(<-q.queue) {
			return
		}
	}
	if half, ok := q.guard.Conn.(interface{ CloseWrite() error }); !ok || half.CloseWrite() != nil {
		q.guard.Close()
	}
}

// flush waits until the peer has answered a PING sent after all that is queued now.
func (q *peer) flush(ctx context.Context, patience time.Duration) error {
	select {
	case <-q.pong: // an old answer
	default:
	}
	mark := make(chan struct{})
	select {
	case q.queue <- item{mark: mark}:
	case <-q.gone:
		return errGone
	case <-ctx.Done():
		return ctx.Err()
	}
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
