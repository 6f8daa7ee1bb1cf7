package amqp

import (
	"context"
	"errors"
	"fmt"
	"time"

	amqp091 "github.com/rabbitmq/amqp091-go"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/sessions"
)

// A session is one connection with all that belongs to it.
type session struct {
	*broker
	conn       *amqp091.Connection
	channel    *amqp091.Channel
	guard      *guard
	acker      *acker
	deliveries <-chan amqp091.Delivery

	connClosed, channelClosed chan *amqp091.Error
	cancelled                 chan string
	blocked                   chan amqp091.Blocking

	stuck bool // tell has ended the session, since nothing that it has brought is committed
}

// session receives over one connection, from dialling to its end.
func (b *broker) session(ctx context.Context, in *bus.Intake) (err error) {
	defer func() { // the library's own goroutines are not ours to catch; its calls are
		if p := recover(); p != nil {
			err = sessions.Fail(FailedPanic, fmt.Errorf("client library: %v", p))
		}
	}()
	if err := b.unstuck(ctx); err != nil {
		return err
	}
	alive, die := context.WithCancel(ctx)
	defer die()
	g, err := b.config.dial(alive, b.address)
	if err != nil {
		return err
	}
	defer g.Close()
	s := &session{broker: b, guard: g}
	// What has no time limit in the library, and ignores contexts, ends with its connection.
	watchdog := time.AfterFunc(b.config.Timeout, func() { g.Close() })
	stop := context.AfterFunc(ctx, func() { g.Close() })
	err = s.begin()
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if fired := !watchdog.Stop(); err != nil {
		return b.notBegun(err, fired)
	}
	b.meter.Connected(true)
	defer b.meter.Connected(false)
	defer b.blocks.Store(false)
	b.Begun()
	err = s.receive(alive, die, in)
	s.end()
	return err
}

// begin logs in, makes what is to be there, and starts to consume.
func (s *session) begin() (err error) {
	if s.conn, err = s.config.open(s.guard, s.address, s.name); err != nil {
		return refused(err)
	}
	s.connClosed = s.conn.NotifyClose(make(chan *amqp091.Error, 1))
	s.blocked = s.conn.NotifyBlocked(make(chan amqp091.Blocking, 1))
	queue, err := s.declare()
	if err != nil {
		return err
	}
	if s.channel, err = s.conn.Channel(); err != nil {
		return err
	}
	s.channelClosed = s.channel.NotifyClose(make(chan *amqp091.Error, 1))
	s.cancelled = s.channel.NotifyCancel(make(chan string, 1))
	s.acker = newAcker(s.channel.Ack)
	s.acks.Store(s.acker)
	if err := s.channel.Qos(s.config.Prefetch, 0, false); err != nil {
		return fmt.Errorf("set prefetch: %w", err)
	}
	if s.deliveries, err = s.channel.Consume(queue, "", false, false, false, false, nil); err != nil {
		return sessions.Fail(FailedTopology, fmt.Errorf("consume the queue %q: %w", queue, err))
	}
	return nil
}

// receive hands messages over until the session ends, by its own fault or by ctx. A second goroutine acknowledges.
func (s *session) receive(ctx context.Context, die func(), in *bus.Intake) error {
	told := make(chan struct{})
	go func() {
		defer close(told)
		s.tell(ctx)
		die() // whoever waits for room in the intake need not: what it has comes again
	}()
	err := s.consume(ctx, in)
	die()
	<-told
	if s.stuck {
		return s.giveBack()
	}
	return err
}

// tell acknowledges, and logs when the broker blocks, until the connection fails or ctx ends.
func (s *session) tell(ctx context.Context) {
	look := time.NewTicker(time.Second)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.acker.more:
			if s.acker.flush() != nil {
				return
			}
		case <-look.C:
			if s.stuck = s.acker.idle() > holds; s.stuck {
				return
			}
		case b, open := <-s.blocked:
			if !open {
				return // the connection is closed
			}
			s.blocks.Store(b.Active)
			s.log.Warn("the broker has changed whether it takes messages", "blocked", b.Active, "reason", b.Reason)
		}
	}
}

// consume takes deliveries.
func (s *session) consume(ctx context.Context, in *bus.Intake) error {
	var silent <-chan time.Time
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		if s.config.Silence > 0 {
			timer.Reset(s.config.Silence)
			silent = timer.C
		}
		select {
		case <-ctx.Done():
			return s.whyClosed()
		case <-silent:
			return sessions.Fail(FailedSilent, fmt.Errorf("nothing has come for %v", s.config.Silence))
		case d, open := <-s.deliveries:
			if !open {
				return s.whyClosed()
			}
			if err := s.deliver(ctx, in, &d); err == errNumbers {
				return err
			} else if err != nil {
				return s.whyClosed()
			}
		}
	}
}

var errNumbers = sessions.Fail(FailedLost, errors.New("the broker does not number its deliveries as AMQP says"))

// deliver hands one message over, or refuses it. The error is ctx's, or errNumbers.
func (s *session) deliver(ctx context.Context, in *bus.Intake, d *amqp091.Delivery) error {
	s.Heard(d.Redelivered)
	if !s.acker.begin(d.DeliveryTag) {
		return errNumbers
	}
	cut := s.guard.take(d.DeliveryTag)
	f, reason := frame(d, s.now())
	if cut > 0 {
		reason = bus.DroppedLarge
	}
	if reason != "" {
		s.refuse(d, reason)
		return nil
	}
	tag, acker := d.DeliveryTag, s.acker
	f.Ack = func() { acker.done(tag) }
	f.Resumed, f.Whole = s.resumed, s.whole()
	if err := s.meter.Forward(ctx, in, f); err != nil {
		s.acker.settle(tag) // nobody has it
		return err
	}
	s.resumed = false
	return nil
}

// refuse rejects a message: the broker moves it to the dead-letter exchange, or drops it.
func (s *session) refuse(d *amqp091.Delivery, reason string) {
	s.meter.Dropped(reason)
	s.log.Debug("refused a message", "topic", d.RoutingKey, "id", d.MessageId, "reason", reason)
	s.acker.settle(d.DeliveryTag)
	if err := d.Reject(false); err != nil {
		s.log.Debug("cannot reject a message; it will come again", "error", err)
	}
}
