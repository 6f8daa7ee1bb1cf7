package zmq

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-zeromq/zmq4"
	"github.com/go-zeromq/zmq4/security/null"

	"github.com/notifyd/notifyd/bus"
)

// messageTime is how long a message may take from its first to its last byte: 8 MiB at 70 kB/s.
const messageTime = 2 * time.Minute

// session is one connection, from dialling to its end. A panic of the codec ends it as any error does.
func (e *endpoint) session(ctx context.Context, in *bus.Intake) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &failure{FailedPanic, fmt.Errorf("codec: %v", p)}
		}
	}()
	dialled, err := e.addr.dialBy(ctx, e.config.Timeout, e.resolver)
	if err != nil {
		return &failure{FailedDial, err}
	}
	stop := context.AfterFunc(ctx, func() { dialled.Close() })
	defer stop()
	defer dialled.Close()

	conn := newZMTPConn(dialled, e.limits(), e.now)
	codec, err := zmq4.Open(conn, null.Security(), zmq4.Sub, nil, false, nil)
	if err != nil {
		return &failure{FailedHandshake, err}
	}
	conn.handshakeDone()
	for _, topic := range e.topics {
		if err := codec.SendMsg(zmq4.NewMsg(append([]byte{1}, topic...))); err != nil {
			return fmt.Errorf("subscribe: %w", err)
		}
	}
	e.meter.Connected(true)
	defer e.meter.Connected(false)
	e.resumed = e.resumed || e.meter.Traffic().Connects > 1
	e.log.Debug("subscribed")
	return e.receive(ctx, codec, conn, in)
}

func (e *endpoint) limits() limits {
	return limits{
		message:    uint64(e.config.MaxMessage),
		handshake:  e.config.Timeout,
		write:      e.config.Timeout,
		oneMessage: messageTime,
		heartbeat:  max(0, e.config.Heartbeat),
		silence:    e.config.Silence,
	}
}

// receive hands over messages until the connection ends, or ctx does. The codec answers PINGs by itself.
func (e *endpoint) receive(ctx context.Context, codec *zmq4.Conn, conn *zmtpConn, in *bus.Intake) error {
	for ctx.Err() == nil {
		m, err := codec.RecvMsg()
		if err != nil {
			return err
		}
		if e.logged != working {
			e.logged = working
			// What was sent since the last message may be lost: ZeroMQ keeps nothing for a peer that is away.
			if last := e.meter.Traffic().LastMessage; last.IsZero() {
				e.log.Info("receiving")
			} else {
				e.log.Info("receiving", "last_message", last)
			}
		}
		if m.Type != zmq4.UsrMsg {
			continue
		}
		f, ok := e.accept(m.Frames)
		switch {
		case !ok:
		case e.config.OnFull == Drop:
			e.meter.Offer(in, f)
			e.resumed = false
		default:
			resume := conn.pause()
			err := e.meter.Forward(ctx, in, f)
			resume()
			if err != nil {
				return err
			}
			e.resumed = false
		}
	}
	return ctx.Err()
}

// accept checks a message; false: it is dropped.
func (e *endpoint) accept(parts [][]byte) (bus.Frame, bool) {
	if len(parts) != 2 {
		e.meter.Dropped(DroppedParts)
		return bus.Frame{}, false
	}
	f := bus.Frame{
		Source: e.name, Topic: string(parts[0]), Payload: parts[1], Resumed: e.resumed,
		Whole: e.allTopics, // a publisher's counter counts its other topics too
	}
	if reason := e.refusal(f); reason != "" {
		e.meter.Dropped(reason)
		return bus.Frame{}, false
	}
	return f, true
}

// refusal gives the reason to drop a frame; "" for none.
func (e *endpoint) refusal(f bus.Frame) string {
	if reason := f.OutOfBounds(); reason != "" {
		return reason
	}
	if !e.wants(f.Topic) {
		return DroppedUnsubscribed
	}
	return ""
}

// wants reports whether the topic is subscribed to.
func (e *endpoint) wants(topic string) bool {
	return slices.ContainsFunc(e.topics, func(prefix string) bool { return strings.HasPrefix(topic, prefix) })
}
