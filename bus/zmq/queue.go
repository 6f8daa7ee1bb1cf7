package zmq

import (
	"sync"
	"sync/atomic"

	"github.com/notifyd/notifyd/bus"
)

// maxHeld bounds the bytes of all frames that were handed over and are not yet acknowledged. Out's buffer counts frames
// only, and a frame may have 8 MiB. Decoding, describing and storing a batch of such frames takes six times their bytes.
const maxHeld = 32 << 20

// frameOverhead is what a frame costs beside its bytes.
const frameOverhead = 512

// A queue counts what is on its way from a Source to whoever acknowledges its frames: the bytes of all, and the frames of each
// endpoint. One that floods must not take the room of the others.
type queue struct {
	held atomic.Int64
	most int // frames of one endpoint; 0: no bound but out's own

	mu     sync.Mutex
	frames map[string]int // by endpoint
}

// share leaves a quarter of out's room to the others, where there are several endpoints. It is called before the first take.
func (q *queue) share(room, endpoints int) {
	q.frames = map[string]int{}
	if endpoints > 1 {
		q.most = room - room/4
	}
}

// take counts f and makes its Ack give the room back; false when there is none.
func (q *queue) take(f *bus.Frame) bool {
	size := int64(len(f.Topic) + len(f.Payload) + frameOverhead)
	if q.held.Add(size) > maxHeld || !q.enter(f.Source) {
		q.held.Add(-size)
		return false
	}
	source := f.Source
	f.Ack = func() { q.held.Add(-size); q.leave(source) }
	return true
}

func (q *queue) enter(source string) bool {
	if q.most == 0 {
		return true
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.frames[source] >= q.most {
		return false
	}
	q.frames[source]++
	return true
}

func (q *queue) leave(source string) {
	if q.most == 0 {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.frames[source]--
}
