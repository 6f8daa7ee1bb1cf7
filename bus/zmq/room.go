package zmq

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/semaphore"
)

// A room is the memory for the message that one connection is reading. Small messages are free; large ones share what
// all connections of a listener may hold, so that a thousand strangers who each begin a large message take no more than
// a few do. It is asked before the codec sees the header of a message, and allocates for it.
//
// One goroutine uses a room. A nil room is without bounds.
type room struct {
	ctx    context.Context
	shared *semaphore.Weighted
	held   int64
}

// freeSize is the size up to which a message takes nothing of what is shared.
const freeSize = 16 << 10

var errNoRoom = errors.New("too many large messages at once")

// take waits until there is room for a message of size bytes, at most for so long.
func (r *room) take(size uint64, patience time.Duration) (waited bool, err error) {
	if r == nil || size <= freeSize || int64(size) <= r.held {
		return false, nil
	}
	more := int64(size) - r.held
	if !r.shared.TryAcquire(more) {
		ctx, cancel := context.WithTimeout(r.ctx, patience)
		defer cancel()
		waited = true
		if r.shared.Acquire(ctx, more) != nil {
			return waited, errNoRoom
		}
	}
	r.held = int64(size)
	return waited, nil
}

// leave gives back what the message took.
func (r *room) leave() {
	if r.held > 0 {
		r.shared.Release(r.held)
		r.held = 0
	}
}
