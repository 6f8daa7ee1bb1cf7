package zmq

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// An acceptor accepts connections, and serves each by a goroutine of its own from the first byte on, so that a silent
// one blocks no other.
type acceptor struct {
	listener net.Listener
	door     door
	log      *slog.Logger
	serve    func(ctx context.Context, conn net.Conn) error // nil: the peer has closed the connection
	refused  func(error)                                    // is told of every other end
}

// run accepts until ctx ends, and returns when every connection is served.
func (a *acceptor) run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { a.listener.Close() })
	defer stop()
	defer a.listener.Close()
	var all sync.WaitGroup
	defer all.Wait()
	for {
		conn, err := a.listener.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				conn.Close()
			}
			return nil
		case err != nil: // no file descriptor is free, or the client is gone again: the listener itself does not fail
			a.log.Warn("cannot accept", "error", err)
			if !wait(ctx, 100*time.Millisecond) {
				return nil
			}
			continue
		}
		host := hostOf(conn)
		if !a.door.enter(host) {
			conn.Close()
			a.refused(errTooMany)
			continue
		}
		all.Go(func() {
			defer a.door.leave(host)
			if err := a.serve(ctx, conn); err != nil && ctx.Err() == nil {
				a.refused(err)
			}
		})
	}
}

// A door lets in so many connections at once, those in their handshake among them, and of one host so many that one
// client alone cannot shut the others out.
type door struct {
	most, perHost int

	mu    sync.Mutex
	all   int
	hosts map[string]int
}

// fewPeers may all come from one host: half of them would be none at all.
const fewPeers = 16

// newDoor makes a door for most connections, of which peers count as peers in the end.
func newDoor(most, peers int) door {
	return door{most: most, perHost: max(peers/2, min(most, fewPeers)), hosts: map[string]int{}}
}

func (d *door) enter(host string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.all >= d.most || host != "" && d.hosts[host] >= d.perHost {
		return false
	}
	d.all++
	d.hosts[host]++
	return true
}

func (d *door) leave(host string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.all--
	if d.hosts[host]--; d.hosts[host] == 0 {
		delete(d.hosts, host)
	}
}

// hostOf gives the host at the far end, of IPv6 its network; "" where it is this one by its nature, as at a Unix
// socket.
func hostOf(conn net.Conn) string {
	a, ok := conn.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return ""
	}
	host := a.AddrPort().Addr().Unmap().WithZone("")
	if host.Is6() {
		network, _ := host.Prefix(64) // one client has all addresses of it; 64 is always allowed
		host = network.Addr()
	}
	return host.String()
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
