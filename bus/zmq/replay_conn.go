package zmq

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-zeromq/zmq4"
	"github.com/go-zeromq/zmq4/security/null"
)

// A replayConn is a connection of a REQ socket. One goroutine uses it.
type replayConn struct {
	conn  *zmtpConn
	codec *zmq4.Conn
}

// dial connects and does the handshake.
func (r *replayClient) dial(ctx context.Context) (conn *replayConn, err error) {
	defer recovered(&err)
	dialled, err := r.addr.dial(ctx, r.timeout)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { dialled.Close() })
	defer stop()
	z := newZMTPConn(dialled, limits{
		message: replayBytes, handshake: r.timeout, write: r.timeout, oneMessage: messageTime,
	}, r.now)
	codec, err := zmq4.Open(z, null.Security(), zmq4.Req, nil, false, nil)
	if err != nil {
		dialled.Close()
		return nil, fmt.Errorf("handshake: %w", err)
	}
	z.handshakeDone()
	return &replayConn{z, codec}, nil
}

// Close ends the connection.
func (c *replayConn) Close() error { return c.conn.Close() }

var errDelimiter = errors.New("an answer without the delimiter of REQ and REP")

// exchange sends a request and gives the parts of the answer. Both have an empty part before them (RFC 28).
func (c *replayConn) exchange(ctx context.Context, request []byte) (parts [][]byte, err error) {
	defer recovered(&err)
	stop := context.AfterFunc(ctx, func() { c.conn.Close() })
	defer stop()
	if err := c.codec.SendMsg(zmq4.NewMsgFrom(nil, request)); err != nil {
		return nil, fmt.Errorf("ask: %w", err)
	}
	for {
		m, err := c.codec.RecvMsg()
		switch {
		case err != nil:
			return nil, fmt.Errorf("read answer: %w", err)
		case m.Type != zmq4.UsrMsg: // a PING, which the codec has answered
		case len(m.Frames) < 2 || len(m.Frames[0]) > 0:
			return nil, errDelimiter
		default:
			return m.Frames[1:], nil
		}
	}
}

// replayTimeout is for an answer: a store may have to look through its disk.
const replayTimeout = 30 * time.Second
