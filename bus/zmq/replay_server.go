package zmq

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/go-zeromq/zmq4"
	"github.com/go-zeromq/zmq4/security/null"

	"github.com/notifyd/notifyd/bus"
)

// The bounds of the replay server. Nobody is authenticated, so that whoever reaches it may do his worst.
const (
	replayClients  = 16               // connections at once, those in their handshake too
	replayRequest  = 64 << 10         // bytes of a request
	replayIdle     = 2 * time.Minute  // without a request
	replayWrite    = 30 * time.Second // for a client to take a whole answer
	replayMessages = 1000             // of one answer
	replayBudget   = 4 << 20          // bytes of one answer, beside the last message
	replaySearch   = 20 * time.Second // to read them
)

// A replayServer answers fedmsg's replay requests: a REP socket (ZeroMQ RFC 28). Each connection has a goroutine of its
// own from the first byte on, so that a slow or silent client keeps nobody waiting. An answer holds the first messages
// that were asked for, in the order of their numbers; a client that wants more asks on behind the last.
type replayServer struct {
	source  *Source
	keeper  bus.Keeper
	reading chan struct{} // has room for one: answers are made one at a time
}

// ServeReplay answers at Config.Replay.Listen until ctx ends: a Source is a bus.Replayer.
func (s *Source) ServeReplay(ctx context.Context, k bus.Keeper) error {
	if s.config.Replay.Listen == "" {
		return nil
	}
	a, err := parseAddress(s.config.Replay.Listen)
	if err != nil {
		return fmt.Errorf("replay.listen: %w", err)
	}
	l, err := a.listen(ctx)
	if err != nil {
		return fmt.Errorf("listen for replay at %s: %w", a, err)
	}
	return s.serveReplay(ctx, l, k)
}

// serveReplay accepts connections until ctx ends.
func (s *Source) serveReplay(ctx context.Context, l net.Listener, k bus.Keeper) error {
	server := &replayServer{source: s, keeper: k, reading: make(chan struct{}, 1)}
	s.log.Info("answering replay requests", "address", l.Addr().String())
	a := acceptor{
		listener: l, door: newDoor(replayClients, replayClients), log: s.log, serve: server.serve,
		refused: func(err error) { s.log.Debug("a replay client was cut off", "error", err) },
	}
	return a.run(ctx)
}

// serve answers one client until it is gone, breaks a bound, or ctx ends.
func (r *replayServer) serve(ctx context.Context, conn net.Conn) (err error) {
	defer recovered(&err)
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	z := newZMTPConn(conn, limits{
		message: replayRequest, handshake: r.source.config.Timeout, write: replayWrite,
		oneMessage: r.source.config.Timeout, silence: replayIdle,
	}, r.source.now)
	codec, err := zmq4.Open(z, null.Security(), zmq4.Rep, nil, true, nil)
	if err != nil {
		return fmt.Errorf("handshake: %w", err)
	}
	z.handshakeDone()
	for {
		m, err := codec.RecvMsg()
		switch {
		case err != nil:
			return err
		case m.Type != zmq4.UsrMsg:
			continue
		case len(m.Frames) != 2 || len(m.Frames[0]) > 0:
			return errDelimiter
		}
		answer, err := r.answer(ctx, m.Frames[1])
		if err != nil {
			return err
		}
		if _, err := z.writeWhole(encodeParts(append([][]byte{nil}, answer...)...)); err != nil {
			return err
		}
	}
}

// answer gives the parts of the answer to a request. The error is ctx's.
func (r *replayServer) answer(ctx context.Context, request []byte) ([][]byte, error) {
	select {
	case r.reading <- struct{}{}:
		defer func() { <-r.reading }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	limit, cancel := context.WithTimeout(ctx, replaySearch)
	defer cancel()
	q, err := parseReplayRequest(request)
	if err != nil {
		return refusal(err.Error()), nil
	}
	kept, err := r.keeper.Kept(limit, q, replayMessages, replayBudget)
	if err != nil {
		r.source.log.Warn("cannot answer a replay request", "error", err)
		return refusal("the messages cannot be read now"), ctx.Err()
	}
	var parts [][]byte
	for _, k := range kept {
		if part, err := bus.Replayed(k); err == nil {
			parts = append(parts, part)
		}
	}
	if len(parts) == 0 {
		return refusal("There was no match for the given query"), nil
	}
	return parts, nil
}

// refusal is an answer without messages, in fedmsg's form.
func refusal(text string) [][]byte { return [][]byte{fmt.Appendf(nil, "error: '%s'", text)} }
