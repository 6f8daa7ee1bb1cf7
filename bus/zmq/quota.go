package zmq

import (
	"sync"

	"github.com/notifyd/notifyd/bus"
)

// A quota bounds what a Source has handed over and is not done with: the bytes of all frames, and the number of frames
// of each endpoint. An endpoint that floods must not take the room of the others.
type quota struct {
	permits *bus.Permits
	most    int // frames of one endpoint; 0: any number

	mu     sync.Mutex
	frames map[string]int // by name of the endpoint
}

// divide reserves a quarter of out's room for the other endpoints, where there are several. It is called once, before
// the first acquire.
func (q *quota) divide(room, endpoints int) {
	q.frames = map[string]int{}
	if endpoints > 1 {
		q.most = room - room/4
	}
}

// acquire counts f until it is done with; false where there is no room for it.
func (q *quota) acquire(f *bus.Frame) bool {
	if !q.enter(f.Source) {
		return false
	}
	source := f.Source
	f.Ack = func() { q.leave(source) }
	if !q.permits.TryAcquire(f) {
		q.leave(source)
		f.Ack = nil
		return false
	}
	return true
}

func (q *quota) enter(source string) bool {
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

func (q *quota) leave(source string) {
	if q.most == 0 {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.frames[source]--
}
