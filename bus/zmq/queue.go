package zmq

import (
	"sync"

	"github.com/notifyd/notifyd/bus"
)

// A queue bounds what a Source has handed over and is not done with: the bytes of all, and the frames of each endpoint.
// One that floods must not take the room of the others.
type queue struct {
	permits *bus.Permits
	most    int // frames of one endpoint; 0: no bound but out's own

	mu     sync.Mutex
	frames map[string]int // by endpoint
}

// share leaves a quarter of out's room to the others, where there are several endpoints. It is called before the first
// take.
func (q *queue) share(room, endpoints int) {
	q.frames = map[string]int{}
	if endpoints > 1 {
		q.most = room - room/4
	}
}

// take counts f and makes its Ack give the room back; false when there is none.
func (q *queue) take(f *bus.Frame) bool {
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
