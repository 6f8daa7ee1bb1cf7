package irc

import (
	"context"
	"slices"
	"sync"
)

// A gate lets one through at a time, the urgent before the others, each sort in the order of arrival: the lines of
// one parcel stay together, and a confirmation code does not wait for a hundred notices.
type gate struct {
	mu     sync.Mutex
	held   bool
	queues [2][]chan struct{} // the urgent, the others; as long as there are callers of Send
}

// enter waits for the turn or the end of ctx. Who has entered must leave.
func (g *gate) enter(ctx context.Context, urgent bool) error {
	queue := 1
	if urgent {
		queue = 0
	}
	g.mu.Lock()
	if !g.held {
		g.held = true
		g.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	g.queues[queue] = append(g.queues[queue], turn)
	g.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
	}
	g.mu.Lock()
	at := slices.Index(g.queues[queue], turn)
	if at >= 0 {
		g.queues[queue] = slices.Delete(g.queues[queue], at, at+1)
	}
	g.mu.Unlock()
	if at < 0 {
		g.leave() // the turn came at the same moment: pass it on
	}
	return context.Cause(ctx)
}

// leave gives the turn to the next.
func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, queue := range g.queues {
		if len(queue) > 0 {
			close(queue[0])
			g.queues[i] = slices.Delete(queue, 0, 1)
			return
		}
	}
	g.held = false
}
