package email

import (
	"context"
	"sync"
	"time"
)

// pool bounds how many connections are in use at once and keeps those that are idle for the next messages.
type pool struct {
	permits chan struct{} // one for each connection in use
	maxSent int           // messages that a connection carries: some servers limit them
	maxIdle time.Duration // how long an idle connection is kept

	mu     sync.Mutex
	idle   []*connection // the one used last at the end
	closed bool          // nothing is kept any more
}

func newPool(c Config) *pool {
	return &pool{permits: make(chan struct{}, c.Connections), maxSent: c.PerConnection, maxIdle: c.Idle}
}

// acquire waits for a permit to use one connection. Its error is that of ctx.
func (p *pool) acquire(ctx context.Context) (release func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case p.permits <- struct{}{}:
		return func() { <-p.permits }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// get takes out the idle connection that was used last, so that surplus ones grow old; nil where there is none.
func (p *pool) get() *connection {
	p.closeIdle()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle) == 0 {
		return nil
	}
	c := p.idle[len(p.idle)-1]
	p.idle = p.idle[:len(p.idle)-1]
	return c
}

// put keeps a connection that is alive and has not carried its share, and ends any other.
func (p *pool) put(c *connection, alive bool) {
	switch {
	case !alive:
		c.close()
	case c.sent >= p.maxSent || !p.keep(c):
		c.quit()
	}
}

func (p *pool) keep(c *connection) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	c.idleSince = time.Now()
	p.idle = append(p.idle, c)
	return true
}

// closeIdle ends the connections that have been idle for too long.
func (p *pool) closeIdle() { quitAll(p.remove(time.Now().Add(-p.maxIdle))) }

// discardIdle closes all idle connections without QUIT: the server is gone.
func (p *pool) discardIdle() {
	for _, c := range p.remove(time.Now()) {
		c.close()
	}
}

// close ends all idle connections and keeps none from now on.
func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	quitAll(p.remove(time.Now()))
}

// remove takes out the connections that have been idle since before, or at, oldest.
func (p *pool) remove(oldest time.Time) (old []*connection) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var kept []*connection
	for _, c := range p.idle {
		if c.idleSince.After(oldest) {
			kept = append(kept, c)
		} else {
			old = append(old, c)
		}
	}
	p.idle = kept
	return old
}

// quitAll ends connections all at once: a silent server makes each take a second.
func quitAll(list []*connection) {
	var all sync.WaitGroup
	for _, c := range list {
		all.Go(c.quit)
	}
	all.Wait()
}
