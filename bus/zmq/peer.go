package zmq

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"

	"github.com/go-zeromq/zmq4"
	"github.com/go-zeromq/zmq4/security/null"

	"github.com/notifyd/notifyd/bus"
)

// A peer is a subscriber of a Publisher. One goroutine reads its subscriptions, one writes its queue, one bounds its
// end.
type peer struct {
	publisher *Publisher
	conn      *zmtpConn
	queue     *peerQueue
	gone      chan struct{} // closed when the connection has ended
	ended     chan struct{} // closed after that, when nothing is written any more
	left      bool          // the peer has closed it, with nothing unread; to be read once ended is closed
	pong      chan struct{} // receives when the peer answers a PING
	name      string        // its address, for the log

	// These belong to the Publisher's lock.
	prefixes map[string]int // the subscriptions, and how often each was made
	seen     uint64         // the number of the last message that it was given, or lost
	lost     uint64         // messages that found no room and that no report has said
}

// subscriptionSize bounds a message of a subscriber, which is a prefix.
const subscriptionSize = 2*bus.MaxTopic + partCost

var (
	errSubscriptions = errors.New("too many subscriptions, or one too long")
	errGone          = errors.New("the peer is gone")
)

// serve does the handshake and serves the peer until the connection ends or ctx does. nil: the peer closed the
// connection.
func (p *Publisher) serve(ctx context.Context, conn net.Conn) (err error) {
	defer recovered(&err)
	defer conn.Close()
	g := newZMTPConn(conn, limits{
		message: subscriptionSize, handshake: p.config.Timeout, write: p.config.Timeout, oneMessage: p.config.Timeout,
	}, p.now)
	unready := context.AfterFunc(ctx, func() { conn.Close() })
	codec, err := zmq4.Open(g, null.Security(), zmq4.Pub, nil, p.listener != nil, nil)
	if !unready() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("handshake: %w", err)
	}
	g.handshakeDone()
	g.limits.write = p.config.Stall
	q := &peer{
		publisher: p, conn: g, queue: newPeerQueue(p), gone: make(chan struct{}), ended: make(chan struct{}),
		pong: make(chan struct{}, 1), prefixes: map[string]int{}, name: conn.RemoteAddr().String(),
	}
	if err := p.addPeer(q); err != nil {
		return err
	}
	var started sync.WaitGroup
	started.Go(func() { q.write(ctx) })
	started.Go(func() { q.linger(ctx) })
	defer func() {
		conn.Close()
		q.left = err == nil && p.listener != nil
		close(q.gone)
		started.Wait()
		close(q.ended)
		p.removePeer(q)
	}()
	return q.read(codec)
}

// read follows the peer's subscriptions until the connection ends.
func (q *peer) read(codec *zmq4.Conn) error {
	for {
		m, err := codec.RecvMsg()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case m.Type == zmq4.CmdMsg:
			if len(m.Frames) == 0 { // a PONG; a PING has a body
				select {
				case q.pong <- struct{}{}:
				default:
				}
			}
		case len(m.Frames) == 1 && len(m.Frames[0]) > 0:
			if err := q.subscribe(m.Frames[0][0], string(m.Frames[0][1:])); err != nil {
				return err
			}
		}
	}
}

// subscribe follows a subscription message (ZeroMQ RFC 29): 1 and a prefix subscribes, 0 and a prefix cancels.
func (q *peer) subscribe(verb byte, prefix string) error {
	p := q.publisher
	p.mu.Lock()
	defer p.mu.Unlock()
	defer p.notifyLocked()
	n := q.prefixes[prefix]
	switch {
	case verb == 1 && (len(prefix) > bus.MaxTopic || n == 0 && len(q.prefixes) >= p.config.Prefixes):
		return errSubscriptions
	case verb == 1:
		if q.prefixes[prefix]++; n == 0 {
			p.wanted.add(q, prefix)
		}
	case verb == 0 && n > 1:
		q.prefixes[prefix]--
	case verb == 0 && n == 1:
		delete(q.prefixes, prefix)
		p.wanted.remove(q, prefix)
	}
	return nil
}

// subscribedTo reports whether q wants topic. The caller holds the Publisher's lock.
func (q *peer) subscribedTo(topic string) bool {
	for prefix := range q.prefixes {
		if strings.HasPrefix(topic, prefix) {
			return true
		}
	}
	return false
}
