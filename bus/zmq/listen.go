package zmq

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// accept accepts connections until ctx ends. Each is served by a goroutine of its own from the first byte on, so that a
// silent one blocks no other.
func (p *Publisher) accept(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { p.listener.Close() })
	defer stop()
	defer p.listener.Close()
	var all sync.WaitGroup
	defer all.Wait()
	permits := make(chan struct{}, 2*p.config.Peers) // a connection in its handshake needs one too
	for {
		conn, err := p.listener.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				conn.Close()
			}
			return nil
		case err != nil: // no file descriptor is free, or the client is gone again: the listener itself does not fail
			p.log.Warn("cannot accept", "error", err)
			if !wait(ctx, 100*time.Millisecond) {
				return nil
			}
			continue
		}
		select {
		case permits <- struct{}{}:
			all.Go(func() {
				defer func() { <-permits }()
				p.serveOne(ctx, conn)
			})
		default:
			conn.Close()
			p.countRefused(errTooMany)
		}
	}
}

func (p *Publisher) serveOne(ctx context.Context, conn net.Conn) {
	if err := p.serve(ctx, conn); err != nil && ctx.Err() == nil {
		p.countRefused(err)
	}
}

// countRefused counts a connection that did not end by the peer closing it.
func (p *Publisher) countRefused(err error) {
	p.mu.Lock()
	p.counts.Refused++
	p.mu.Unlock()
	p.log.Debug("subscriber refused", "error", err)
}

// connect keeps one connection to the relay, again and again, until ctx ends.
func (p *Publisher) connect(ctx context.Context) {
	pause := &backoff.ExponentialBackOff{
		InitialInterval: 50 * time.Millisecond, MaxInterval: time.Second, Multiplier: 2, RandomizationFactor: 0.5,
	}
	for ctx.Err() == nil {
		began := p.now()
		conn, err := p.relay.dial(ctx, p.config.Timeout)
		if err == nil {
			err = p.serve(ctx, conn)
		}
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			err = fmt.Errorf("the connection was closed")
		}
		p.mu.Lock()
		p.lastError = err
		p.mu.Unlock()
		p.log.Debug("relay not connected, will retry", "error", err)
		if p.now().Sub(began) > time.Second {
			pause.Reset()
		}
		wait(ctx, pause.NextBackOff())
	}
}

// wait pauses; false: ctx has ended.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
