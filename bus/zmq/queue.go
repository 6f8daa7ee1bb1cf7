package zmq

import (
	"sync/atomic"

	"github.com/notifyd/notifyd/bus"
)

// maxHeld bounds the bytes of all frames that were handed over and are not yet acknowledged. Out's buffer counts frames
// only, and a frame may have 8 MiB.
const maxHeld = 128 << 20

// frameOverhead is what a frame costs beside its bytes.
const frameOverhead = 512

// A queue counts the bytes that are on their way from a Source to whoever acknowledges its frames.
type queue struct{ held atomic.Int64 }

// take counts f and makes its Ack give the bytes back; false when there is no room.
func (q *queue) take(f *bus.Frame) bool {
	size := int64(len(f.Topic) + len(f.Payload) + frameOverhead)
	if q.held.Add(size) > maxHeld {
		q.held.Add(-size)
		return false
	}
	f.Ack = func() { q.held.Add(-size) }
	return true
}
