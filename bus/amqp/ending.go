package amqp

import (
	"errors"
	"fmt"
	"time"

	amqp091 "github.com/rabbitmq/amqp091-go"

	"github.com/notifyd/notifyd/bus/sessions"
)

// ending.go says why sessions end, and ends them in order.

// notBegun says why begin has failed. fired: the watchdog has ended it.
func (b *broker) notBegun(err error, fired bool) error {
	f := (sessions.Failure)(nil)
	switch {
	case fired:
		return sessions.Fail(FailedTimeout, fmt.Errorf("the broker did not answer within %v: %w", b.config.Timeout, err))
	case errors.As(err, &f):
		return err
	}
	return sessions.Fail(FailedLost, err)
}

// refused gives the failure of a login.
func refused(err error) error {
	reason := FailedLost
	if e := (*amqp091.Error)(nil); errors.As(err, &e) {
		switch e.Code {
		case amqp091.AccessRefused:
			return sessions.Fail(FailedLogin, fmt.Errorf("the broker refuses the login: %w", err))
		case amqp091.NotAllowed:
			return sessions.Fail(FailedLogin, fmt.Errorf("the broker does not let this login into the vhost: %w", err))
		}
	}
	return sessions.Fail(reason, fmt.Errorf("log in: %w", err))
}

// whyClosed says why there are no more deliveries. The library tells that before it closes their channel.
func (s *session) whyClosed() error {
	if err := s.ending(); err != nil {
		return err
	}
	return sessions.Fail(FailedLost, errors.New("the connection was closed"))
}

// ending gives what has ended the session; nil where nothing has. The library closes all three channels when the
// connection is lost, so that only a value says which it was.
func (s *session) ending() error {
	select {
	case _, told := <-s.cancelled:
		if told {
			return sessions.Fail(FailedCancelled, fmt.Errorf("the broker has cancelled the consumer: the queue %q was deleted, "+
				"or has moved", s.config.Queue))
		}
	default:
	}
	select {
	case e := <-s.channelClosed:
		if e != nil {
			return closed("channel", e)
		}
	default:
	}
	select {
	case e := <-s.connClosed:
		if e != nil {
			return closed("connection", e)
		}
	default:
	}
	return nil
}

func closed(what string, e *amqp091.Error) error {
	switch {
	case e.Code == amqp091.ConnectionForced:
		return sessions.Fail(FailedClosed, fmt.Errorf("the broker stops, or an operator has closed the %s: %w", what, e))
	case e.Server:
		return sessions.Fail(FailedClosed, fmt.Errorf("the broker has closed the %s: %w", what, e))
	}
	return sessions.Fail(FailedLost, fmt.Errorf("the %s is lost: %w", what, e))
}

// farewell bounds the orderly end of a session. The broker is told of all that is done with; it need not answer.
const farewell = time.Second

// end tells the broker what is done with, and closes the connection in order, so that this arrives.
func (s *session) end() {
	watchdog := time.AfterFunc(farewell, func() { s.guard.Close() })
	defer watchdog.Stop()
	if s.conn.IsClosed() {
		return
	}
	if err := s.acker.flush(); err != nil {
		s.log.Debug("cannot acknowledge; messages will come again", "error", err)
	}
	if err := s.conn.Close(); err != nil && !errors.Is(err, amqp091.ErrClosed) {
		s.log.Debug("the connection was not closed in order", "error", err)
	}
}
