package irc

import (
	"context"
	"slices"
	"sync"
)

// A fairLock is a mutex with two queues: urgent callers get it before the others, each sort in the order of arrival.
// The lines of one parcel stay together, and a confirmation code does not wait for a hundred notices.
type fairLock struct {
	mu     sync.Mutex
	held   bool
	queues [2][]chan struct{} // the urgent, the others; as long as there are callers of Send
}

// lock waits for the turn, or for the end of ctx.
func (l *fairLock) lock(ctx context.Context, urgent bool) error {
	queue := 1
	if urgent {
		queue = 0
	}
	l.mu.Lock()
	if !l.held {
		l.held = true
		l.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	l.queues[queue] = append(l.queues[queue], turn)
	l.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
	}
	l.mu.Lock()
	at := slices.Index(l.queues[queue], turn)
	if at >= 0 {
		l.queues[queue] = slices.Delete(l.queues[queue], at, at+1)
	}
	l.mu.Unlock()
	if at < 0 {
		l.unlock() // the turn came at the same moment: pass it on
	}
	return context.Cause(ctx)
}

// unlock gives the turn to the next.
func (l *fairLock) unlock() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, queue := range l.queues {
		if len(queue) > 0 {
			close(queue[0])
			l.queues[i] = slices.Delete(queue, 0, 1)
			return
		}
	}
	l.held = false
}
