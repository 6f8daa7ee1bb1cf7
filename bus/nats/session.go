package nats

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/sessions"
)

// A session is one connection with all that belongs to it.
type session struct {
	*server
	number  int
	conn    *natsgo.Conn
	js      jetstream.JetStream
	stream  jetstream.Stream
	info    *jetstream.ConsumerInfo
	pulls   pulls
	arrived chan arrival
	answers *natsgo.Subscription
	closed  chan struct{}          // closed when the connection is
	denied  atomic.Pointer[string] // what the login may not do, in the server's words
}

// session receives over one connection, from dialling to its end.
func (s *server) session(ctx context.Context, in *bus.Intake) error {
	if s.stuck {
		if err := s.ledger.drained(ctx); err != nil {
			return err
		}
		s.stuck = false
	}
	alive, die := context.WithCancel(ctx)
	defer die()
	d := &dialer{server: s, ctx: alive}
	defer d.Close()
	one := &session{server: s, number: s.ledger.begin(), closed: make(chan struct{})}
	stop := context.AfterFunc(ctx, d.Close)
	err := one.begin(alive, d)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	stop = context.AfterFunc(ctx, func() { time.AfterFunc(farewell, d.Close) })
	defer stop()
	if one.conn != nil {
		defer func() {
			d.Close() // so that the library does not wait for the server
			one.conn.Close()
			<-one.closed
		}()
	}
	if err != nil {
		return one.notBegun(err)
	}
	s.meter.Connected(true)
	defer s.meter.Connected(false)
	s.Begun("from", one.conn.ConnectedAddr())
	err = one.receive(alive, die, in)
	if ctx.Err() != nil {
		one.end()
	}
	return err
}

// begin connects, makes what is to be there, and subscribes to what will be pulled.
func (s *session) begin(ctx context.Context, d *dialer) (err error) {
	if err := s.connect(d); err != nil {
		return err
	}
	if s.js, err = jetstream.New(s.conn); err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	if err := s.declare(limited); err != nil {
		return err
	}
	return s.subscribe(ctx)
}

// notBegun says why begin has failed.
func (s *session) notBegun(err error) error {
	f := (sessions.Failure)(nil)
	denied := s.denied.Load()
	switch {
	case errors.As(err, &f):
		return err
	case denied != nil:
		return sessions.Fail(FailedTopology, fmt.Errorf("the login may not do that: %s: %w", *denied, err))
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, natsgo.ErrTimeout):
		return sessions.Fail(FailedTimeout, fmt.Errorf("the server did not answer within %v: %w", s.config.Timeout, err))
	}
	return sessions.Fail(FailedLost, err)
}

// receive hands messages over until the session ends, by its own fault or by ctx. A second goroutine tells the server
// what is done with.
func (s *session) receive(ctx context.Context, die func(), in *bus.Intake) error {
	var both sync.WaitGroup
	both.Go(func() {
		s.tell(ctx)
		die() // whoever waits for room in the intake need not: what it has comes again
	})
	err := s.consume(ctx, in)
	die()
	both.Wait()
	if s.stuck {
		return s.giveBack()
	}
	return err
}

// tell acknowledges what is done with, and says of the rest that it is in progress, until the connection fails or ctx
// ends.
func (s *session) tell(ctx context.Context) {
	tick := time.NewTicker(min(s.ackWait()/3, holds/5))
	defer tick.Stop()
	s.flush()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.closed:
			return
		case <-s.ledger.more:
			s.flush()
		case <-tick.C:
			if s.stuck = s.ledger.idle() > holds; s.stuck {
				return
			}
			s.say(inProgress, s.ledger.waiting())
		}
	}
}

// What the server is told about a message.
const (
	acknowledged = "+ACK"
	inProgress   = "+WPI"
	given        = "-NAK"
	terminated   = "+TERM"
)

func (s *session) flush() { s.say(acknowledged, s.ledger.due()) }

// say tells the server the same about several messages. What does not arrive comes again, and is known then.
func (s *session) say(what string, about []string) {
	for _, ack := range about {
		if err := s.conn.Publish(ack, []byte(what)); err != nil {
			s.log.Debug("cannot tell the server; messages will come again", "error", clip(err.Error()))
			return
		}
	}
}

// ackWait is that of the consumer, which somebody else may have made.
func (s *session) ackWait() time.Duration { return max(s.info.Config.AckWait, 100*time.Millisecond) }

// consume takes messages.
func (s *session) consume(ctx context.Context, in *bus.Intake) error {
	var silent <-chan time.Time
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	reset := func() {
		if s.config.Silence > 0 {
			timer.Reset(s.config.Silence)
			silent = timer.C
		}
	}
	reset()
	beat := time.NewTicker(s.heartbeat())
	defer beat.Stop()
	for {
		if err := s.pull(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return s.whyClosed()
		case <-silent:
			return sessions.Fail(FailedSilent, fmt.Errorf("nothing has come for %v", s.config.Silence))
		case <-beat.C:
			if err := s.checkBeat(); err != nil {
				return err
			}
		case a := <-s.arrived:
			if a.meta == nil {
				if err := s.status(a.Msg); err != nil {
					return err
				}
				continue
			}
			if err := s.deliver(ctx, in, a); err != nil {
				return s.whyClosed()
			}
			reset()
		}
	}
}

// whyClosed says what has ended the connection.
func (s *session) whyClosed() error {
	err := s.conn.LastError()
	f := (sessions.Failure)(nil)
	switch {
	case errors.As(err, &f):
		return err
	case err != nil:
		return sessions.Fail(FailedLost, fmt.Errorf("the connection is lost: %s", clip(err.Error())))
	}
	return sessions.Fail(FailedLost, errors.New("the connection was closed"))
}

// deliver hands one message over, or refuses it. The error is ctx's.
func (s *session) deliver(ctx context.Context, in *bus.Intake, a arrival) error {
	s.pulls.got()
	s.Heard(a.meta.NumDelivered > 1)
	s.pending.Store(a.meta.NumPending)
	late := a.meta.Timestamp.Before(s.info.Created)
	if s.late && !late { // late frames have a queue of their own, and none may be overtaken
		if err := s.ledger.drained(ctx); err != nil {
			return err
		}
	}
	s.late = late
	done, ok := s.ledger.hand(a.meta.Sequence.Stream)
	if !ok {
		return nil
	}
	f, reason := s.config.frame(a.Msg, a.meta, s.now())
	if reason != "" {
		s.refuse(ctx, a, reason)
		return nil
	}
	f.Ack = done
	f.Resumed, f.Whole = s.resumed, s.config.whole()
	f.Late = late
	if err := s.meter.Forward(ctx, in, f); err != nil {
		s.ledger.giveBack(a.meta.Sequence.Stream)
		return err
	}
	s.resumed = false
	return nil
}

// farewell bounds the orderly end of a session.
const farewell = time.Second

// end tells the server of all that is done with, and gives it the rest back, so that whoever reads next need not wait
// for it.
func (s *session) end() {
	s.flush()
	if err := s.giveAll(); err != nil {
		s.log.Debug("the connection was not ended in order", "error", clip(err.Error()))
	}
}

// giveAll gives back what is not done with. It gives up the pull first, which would get that again.
func (s *session) giveAll() error {
	if err := s.answers.Unsubscribe(); err != nil {
		return err
	}
	s.say(given, s.ledger.waiting())
	return s.conn.FlushTimeout(farewell)
}
