package amqp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	amqp091 "github.com/rabbitmq/amqp091-go"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/sessions"
)

// An outbound is one connection of a Bridge. It publishes on one channel; publishing and consuming must not share a
// connection, since a broker that is short of memory stops reading from those that publish.
type outbound struct {
	*Bridge
	guard     *guard
	conn      *amqp091.Connection
	channel   *amqp091.Channel
	stop      context.CancelFunc // frees the guard
	published uint64             // on this channel, so far

	connClosed, channelClosed chan *amqp091.Error
	confirms                  chan amqp091.Confirmation
	returns                   chan amqp091.Return
	blocked                   chan amqp091.Blocking
	short                     string // why the broker takes no messages, in its words; "": it does
}

// mostOpen is how many messages may be published and not confirmed: those of one Carry. The library's goroutine must
// never wait for us.
const mostOpen = 1024

// connect dials, logs in, and looks for the exchange.
func (b *Bridge) connect(ctx context.Context) (*outbound, error) {
	where := b.config.broker()
	alive, die := context.WithCancel(context.WithoutCancel(ctx))
	dialing, stopDial := context.WithCancel(alive)
	defer context.AfterFunc(ctx, stopDial)()
	defer stopDial()
	g, err := where.dial(dialing, b.address)
	if err != nil {
		die()
		return nil, err
	}
	o := &outbound{Bridge: b, guard: g, stop: die}
	// What has no time limit in the library, and ignores contexts, ends with its connection.
	watchdog := time.AfterFunc(b.config.Timeout, func() { g.Close() })
	stop := context.AfterFunc(ctx, func() { g.Close() })
	err = o.begin()
	if !stop() && err == nil {
		err = ctx.Err()
	}
	fired := !watchdog.Stop()
	if err == nil {
		b.log.Debug("connected")
		return o, nil
	}
	o.end()
	if f := (sessions.Failure)(nil); fired && !errors.As(err, &f) {
		return nil, sessions.Fail(FailedTimeout, fmt.Errorf("the broker did not answer within %v: %w", b.config.Timeout, err))
	}
	return nil, err
}

func (o *outbound) begin() (err error) {
	if o.conn, err = o.config.broker().open(o.guard, o.address, o.name); err != nil {
		return refused(err)
	}
	o.connClosed = o.conn.NotifyClose(make(chan *amqp091.Error, 1))
	o.blocked = o.conn.NotifyBlocked(make(chan amqp091.Blocking, 16))
	if err := o.lookForExchange(); err != nil {
		return err
	}
	if o.channel, err = o.conn.Channel(); err != nil {
		return err
	}
	o.channelClosed = o.channel.NotifyClose(make(chan *amqp091.Error, 1))
	o.confirms = o.channel.NotifyPublish(make(chan amqp091.Confirmation, mostOpen))
	o.returns = o.channel.NotifyReturn(make(chan amqp091.Return, mostOpen))
	return o.channel.Confirm(false)
}

// lookForExchange says early that there is none: publishing to it would end the channel.
func (o *outbound) lookForExchange() error {
	c, err := o.conn.Channel()
	if err != nil {
		return err
	}
	err = c.ExchangeDeclarePassive(o.config.Exchange, "topic", true, false, false, false, nil)
	switch code(err) {
	case amqp091.AccessRefused, amqp091.PreconditionFailed:
		return nil // it is there, and we are not told more
	}
	if err != nil {
		return explain(err, "look for the exchange %q", o.config.Exchange)
	}
	return c.Close()
}

// end ends the connection, in order where the broker answers.
func (o *outbound) end() {
	watchdog := time.AfterFunc(farewell, func() { o.guard.Close() })
	defer watchdog.Stop()
	if o.conn != nil && !o.conn.IsClosed() {
		if err := o.conn.Close(); err != nil {
			o.log.Debug("the connection was not closed in order", "error", err)
		}
	}
	o.guard.Close()
	o.stop()
	if o.confirms != nil {
		for range o.confirms { // the library closes it, once it is rid of what it has
		}
	}
}

// carry publishes loads and waits for their confirmations. While it works it ends the connection where nothing moves
// for Timeout, or where ctx ends.
func (o *outbound) carry(ctx context.Context, loads []bus.Load) (done int, refusals []bus.Refused, err error) {
	watchdog := time.AfterFunc(o.config.Timeout, func() { o.guard.Close() })
	defer watchdog.Stop()
	defer context.AfterFunc(ctx, func() { o.guard.Close() })()
	for at := 0; at < len(loads); {
		part := loads[at:min(at+mostOpen, len(loads))]
		n, refused, err := o.carryPart(ctx, part, watchdog)
		for i := range refused {
			refused[i].Index += at
		}
		done, refusals = at+n, append(refusals, refused...)
		if err != nil {
			return done, refusals, o.why(ctx, err)
		}
		at += len(part)
	}
	return done, refusals, nil
}

// carryPart is carry for as many as may be open at a time.
func (o *outbound) carryPart(ctx context.Context, loads []bus.Load, watchdog *time.Timer) (int, []bus.Refused, error) {
	var refused []bus.Refused
	first := make([]int, 0, len(loads)) // by number of the confirmation: the load
	for i, l := range loads {
		p, err := newPublishing(l, o.conn.Config.FrameSize)
		if err != nil {
			refused = append(refused, bus.Refused{Index: i, Reason: err.reason, Err: err})
			continue
		}
		o.guard.published.Add(1)
		watchdog.Reset(o.config.Timeout)
		exchange, mandatory := o.config.Exchange, o.config.Mandatory
		if err := o.channel.PublishWithContext(ctx, exchange, l.Message.Topic, mandatory, false, p); err != nil {
			return 0, nil, fmt.Errorf("publish: %w", err)
		}
		first = append(first, i)
	}
	returned := map[string]amqp091.Return{}
	for _, i := range first {
		watchdog.Reset(o.config.Timeout)
		c, open := o.next()
		switch {
		case !open:
			return i, upTo(refused, i), errLost
		case c.DeliveryTag != o.published+1:
			return i, upTo(refused, i), errConfirms
		case !c.Ack:
			return i, upTo(refused, i), errors.New("the broker could not take a message (basic.nack): a queue is full, or it is in " +
				"trouble")
		}
		o.published++
		for more := true; more; { // the broker says that nobody wants a message before it confirms it
			select {
			case r, open := <-o.returns:
				if more = open; open {
					returned[r.MessageId+" "+r.RoutingKey] = r
				}
			default:
				more = false
			}
		}
		if r, is := returned[loads[i].ID+" "+loads[i].Message.Topic]; is {
			return i, upTo(refused, i), fmt.Errorf("no queue takes the topic %q (%s, mandatory)", r.RoutingKey, r.ReplyText)
		}
	}
	return len(loads), refused, nil
}

// upTo gives the refusals of loads before the one at end: what comes after it is tried again.
func upTo(refused []bus.Refused, end int) []bus.Refused {
	for i, r := range refused {
		if r.Index >= end {
			return refused[:i]
		}
	}
	return refused
}

var errLost = errors.New("the connection was lost before the broker confirmed all")

// next gives the next confirmation, and logs in between whether the broker takes messages.
func (o *outbound) next() (amqp091.Confirmation, bool) {
	for {
		select {
		case b, open := <-o.blocked:
			if !open {
				o.blocked = nil
				continue
			}
			o.noteBlocked(b)
		case c, open := <-o.confirms:
			return c, open
		}
	}
}

// noteBlocked notes whether the broker takes messages. It logs that once for all attempts.
func (o *outbound) noteBlocked(b amqp091.Blocking) {
	o.short = ""
	if b.Active {
		o.short = cmp.Or(b.Reason, "it does not say why")
	}
	if o.short != o.shortSaid {
		o.log.Warn("the broker has changed whether it takes messages", "blocked", b.Active, "reason", b.Reason)
	}
	o.shortSaid = o.short
}

// why says what has ended the connection, where the broker has said it: that comes before err, as a rule.
func (o *outbound) why(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if o.short != "" {
		return sessions.Fail(FailedTimeout, fmt.Errorf("the broker takes no messages: %s", o.short))
	}
	if !errors.Is(err, errLost) && !errors.Is(err, amqp091.ErrClosed) {
		return err
	}
	for _, c := range []chan *amqp091.Error{o.channelClosed, o.connClosed} {
		select {
		case e := <-c:
			if e != nil {
				return o.whyClosed(e)
			}
		default:
		}
	}
	return sessions.Fail(FailedLost, err)
}

func (o *outbound) whyClosed(e *amqp091.Error) error {
	switch e.Code {
	case amqp091.AccessRefused:
		return sessions.Fail(FailedTopology, fmt.Errorf("the login may not publish to the exchange %q, or not under this "+
			"topic (the key topics says which are handed on): %w", o.config.Exchange, e))
	case amqp091.NotFound:
		return sessions.Fail(FailedTopology, fmt.Errorf("the exchange %q is not there: %w", o.config.Exchange, e))
	}
	return closed("connection or channel", e)
}
