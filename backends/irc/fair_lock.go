package irc

import (
	"context"
	"slices"
	"sync"
)

// A fairLock is a mutex that goes to the most urgent caller, and of equals to the first that came. The lines of one
// parcel stay together, and neither a confirmation code nor a critical notice waits for a hundred others.
type fairLock struct {
	mu    sync.Mutex
	held  bool
	queue []turn // the next first; as long as there are callers of Send
}

// A turn is somebody who waits.
type turn struct {
	rank int
	came chan struct{}
}

// lock waits for the turn, or for the end of ctx.
func (l *fairLock) lock(ctx context.Context, rank int) error {
	l.mu.Lock()
	if !l.held {
		l.held = true
		l.mu.Unlock()
		return nil
	}
	mine := turn{rank: rank, came: make(chan struct{})}
	at := slices.IndexFunc(l.queue, func(t turn) bool { return t.rank < rank })
	if at < 0 {
		at = len(l.queue)
	}
	l.queue = slices.Insert(l.queue, at, mine)
	l.mu.Unlock()
	select {
	case <-mine.came:
		return nil
	case <-ctx.Done():
	}
	l.mu.Lock()
	at = slices.Index(l.queue, mine)
	if at >= 0 {
		l.queue = slices.Delete(l.queue, at, at+1)
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
	if len(l.queue) == 0 {
		l.held = false
		return
	}
	close(l.queue[0].came)
	l.queue = slices.Delete(l.queue, 0, 1)
}
