package email

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"time"
)

// pool bounds how many connections are in use at once and keeps those that are idle for the next messages.
type pool struct {
	maxSent int           // messages that a connection carries: some servers limit them
	maxIdle time.Duration // how long an idle connection is kept

	mu       sync.Mutex
	limit    limit           // connections in use at once
	inUse    int             // permits that are out
	queue    []chan struct{} // who waits for one, the first at the front: a permit is given by closing the channel
	open     int             // connections
	dialling int             // connections that are being made
	idle     []*connection   // the one used last at the end
	closed   bool            // nothing is kept any more
}

func newPool(c Config) *pool {
	return &pool{limit: newLimit(c.Connections), maxSent: c.PerConnection, maxIdle: c.Idle}
}

// acquire waits for a permit to use one connection, which release takes back. Its error is that of ctx.
func (p *pool) acquire(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	p.mu.Lock()
	if p.inUse < p.limit.value && len(p.queue) == 0 {
		p.inUse++
		p.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	p.queue = append(p.queue, turn)
	p.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
	}
	p.mu.Lock()
	i := slices.Index(p.queue, turn)
	if i >= 0 {
		p.queue = slices.Delete(p.queue, i, i+1)
	}
	p.mu.Unlock()
	if i < 0 {
		p.release() // it came at the same moment
	}
	return ctx.Err()
}

func (p *pool) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.inUse--
	p.admit()
}

// admit gives permits to those who wait.
func (p *pool) admit() {
	for len(p.queue) > 0 && p.inUse < p.limit.value {
		close(p.queue[0])
		p.queue = p.queue[1:]
		p.inUse++
	}
}

// took learns what a message took that the server has accepted.
func (p *pool) took(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.limit.took(d, len(p.queue) > 0, time.Now())
	p.admit()
}

// full learns that the server takes no connection more; said: it has said so, so that connections that are being made
// at this moment may be taken. It reports whether there are others, for which it is worth to wait.
func (p *pool) full(said bool) (others bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.open
	if said {
		n += p.dialling
	}
	if n == 0 {
		return false
	}
	p.limit.full(n, time.Now())
	return true
}

// again gives a permit back and waits for another one. It is held afterwards, also after an error.
func (p *pool) again(ctx context.Context) error {
	p.release()
	err := p.acquire(ctx)
	if err != nil {
		p.mu.Lock()
		p.inUse++
		p.mu.Unlock()
	}
	return err
}

// slower learns that the server finds it too much.
func (p *pool) slower() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.limit.cut(time.Now())
}

// sends is how many messages are of use at once: beside those on connections some are composed meanwhile.
func (p *pool) sends() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.limit.value + max(2, runtime.GOMAXPROCS(0))
}

// dials counts connections that are being made; made says that one is there now.
func (p *pool) dials(change int, made bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dialling += change
	if made {
		p.open++
	}
}

// ended counts connections that are no more.
func (p *pool) ended(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open -= n
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
		p.ended(1)
	case c.sent >= p.maxSent || !p.keep(c):
		c.quit()
		p.ended(1)
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
func (p *pool) closeIdle() { p.quit(time.Now().Add(-p.maxIdle)) }

// discardIdle closes all idle connections without QUIT: the server is gone.
func (p *pool) discardIdle() {
	old := p.remove(time.Now())
	for _, c := range old {
		c.close()
	}
	p.ended(len(old))
}

// close ends all idle connections and keeps none from now on.
func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.quit(time.Now())
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

// quit ends the connections that have been idle since before, or at, oldest, all at once: a silent server makes each
// take a second.
func (p *pool) quit(oldest time.Time) {
	old := p.remove(oldest)
	var all sync.WaitGroup
	for _, c := range old {
		all.Go(c.quit)
	}
	all.Wait()
	p.ended(len(old))
}
