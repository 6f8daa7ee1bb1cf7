package email

import (
	"context"
	"sync"
	"time"
)

// pool bounds how many connections are in use and keeps those that are not.
type pool struct {
	slots chan struct{}

	mu   sync.Mutex
	idle []*connection // the last used at the end
	over bool          // Run has ended: nothing is kept any more
}

func newPool(connections int) *pool {
	return &pool{slots: make(chan struct{}, connections)}
}

// enter waits for the right to use one connection.
func (p *pool) enter(ctx context.Context) (release func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case p.slots <- struct{}{}:
		return func() { <-p.slots }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// take gives the connection used last, so that surplus ones grow old, unless it has been idle since before oldest.
func (p *pool) take(oldest time.Time) *connection {
	p.closeIdle(oldest)
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle) == 0 {
		return nil
	}
	c := p.idle[len(p.idle)-1]
	p.idle = p.idle[:len(p.idle)-1]
	return c
}

// put keeps a connection; false: the caller must end it.
func (p *pool) put(c *connection) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over {
		return false
	}
	c.idleSince = time.Now()
	p.idle = append(p.idle, c)
	return true
}

// closeIdle ends the connections that have been idle since before oldest, all at once: a silent server makes each take
// a second.
func (p *pool) closeIdle(oldest time.Time) {
	var goodbyes sync.WaitGroup
	for _, c := range p.remove(oldest) {
		goodbyes.Go(c.quit)
	}
	goodbyes.Wait()
}

// dropIdle ends what is idle without a word: the server is gone.
func (p *pool) dropIdle() {
	for _, c := range p.remove(time.Now().Add(time.Hour)) {
		c.kill()
	}
}

// remove takes out the connections that have been idle since before oldest.
func (p *pool) remove(oldest time.Time) (old []*connection) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var kept []*connection
	for _, c := range p.idle {
		if c.idleSince.Before(oldest) {
			old = append(old, c)
		} else {
			kept = append(kept, c)
		}
	}
	p.idle = kept
	return old
}

// shut ends what is idle and keeps nothing from now on.
func (p *pool) shut() {
	p.mu.Lock()
	p.over = true
	p.mu.Unlock()
	p.closeIdle(time.Now().Add(time.Hour))
}
