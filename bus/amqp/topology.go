package amqp

import (
	"errors"
	"fmt"

	amqp091 "github.com/rabbitmq/amqp091-go"

	"github.com/notifyd/notifyd/bus/sessions"
)

// The bounds of the queue of dead letters: the last ones are enough to see what is wrong.
const (
	deadLetters      = 10_000
	deadLettersBytes = 64 << 20
)

// declare makes what is to be there: dead letters, queue, bindings.
//
// A channel is finished after any refusal, so each question has its own.
func (s *session) declare() (queue string, err error) {
	if err := s.declareDeadLetters(); err != nil {
		return "", err
	}
	queue, made, err := s.declareQueue()
	if err != nil {
		return "", err
	}
	if made {
		s.noteMade(queue)
	}
	return queue, s.bind(queue)
}

// noteMade notes that there was no queue until now: what was sent before is lost.
func (s *session) noteMade(queue string) {
	s.resumed = s.resumed || s.meter.Traffic().Connects > 0
	if s.config.Queue != "" {
		s.log.Warn("the queue was not there and is made: what was sent before is not in it", "queue", queue)
	}
}

// on does something on a channel of its own.
func (s *session) on(do func(*amqp091.Channel) error) error {
	channel, err := s.conn.Channel()
	if err != nil {
		return err
	}
	if err := do(channel); err != nil {
		return err // which has closed the channel
	}
	return channel.Close()
}

// declareDeadLetters makes the exchange and the queue of dead letters.
func (s *session) declareDeadLetters() error {
	name := s.config.DeadLetter
	if name == "" {
		return nil
	}
	if s.config.Passive {
		err := s.on(func(c *amqp091.Channel) error {
			return c.ExchangeDeclarePassive(name, "fanout", true, false, false, false, nil)
		})
		return explain(err, "look for the exchange of dead letters %q", name)
	}
	return explain(s.on(func(c *amqp091.Channel) error {
		if err := c.ExchangeDeclare(name, "fanout", true, false, false, false, nil); err != nil {
			return err
		}
		_, err := c.QueueDeclare(name, true, false, false, false, amqp091.Table{
			"x-max-length": int64(deadLetters), "x-max-length-bytes": int64(deadLettersBytes),
		})
		if err != nil {
			return err
		}
		return c.QueueBind(name, "", name, false, nil)
	}), "make the exchange and the queue of dead letters %q", name)
}

// declareQueue looks for the queue, and makes it where it is not there: then made is true.
func (s *session) declareQueue() (queue string, made bool, err error) {
	name, arguments := s.config.Queue, s.config.queueArguments()
	if name == "" {
		err := s.on(func(c *amqp091.Channel) error {
			q, err := c.QueueDeclare("", false, true, true, false, arguments)
			queue = q.Name
			return err
		})
		return queue, true, explain(err, "make a queue without a name")
	}
	err = s.on(func(c *amqp091.Channel) error {
		_, err := c.QueueDeclarePassive(name, true, false, false, false, nil)
		return err
	})
	if s.config.Passive {
		return name, false, explain(err, "look for the queue %q, which is to be there (passive)", name)
	}
	if made = code(err) == amqp091.NotFound; err != nil && !made {
		return name, false, explain(err, "look for the queue %q", name)
	}
	err = s.on(func(c *amqp091.Channel) error {
		_, err := c.QueueDeclare(name, true, false, false, false, arguments)
		return err
	})
	return name, made, explain(err, "make the queue %q", name)
}

// bind binds the queue by each pattern.
func (s *session) bind(queue string) error {
	topics := s.config.Topics
	if len(topics) == 0 && !s.config.Passive {
		topics = []string{"#"}
	}
	for _, topic := range topics {
		err := s.on(func(c *amqp091.Channel) error { return c.QueueBind(queue, topic, s.config.Exchange, false, nil) })
		if err := explain(err, "bind the queue %q to the exchange %q by %q", queue, s.config.Exchange, topic); err != nil {
			return err
		}
	}
	return nil
}

// code is the code by which the broker refuses; 0 for any other error.
func code(err error) int {
	if e := (*amqp091.Error)(nil); errors.As(err, &e) && e.Server {
		return e.Code
	}
	return 0
}

// explain says what was refused, and what helps.
func explain(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	what := fmt.Sprintf(format, args...)
	hint := ""
	switch code(err) {
	case 0:
		return fmt.Errorf("%s: %w", what, err)
	case amqp091.NotFound:
		hint = "it is not there"
	case amqp091.PreconditionFailed:
		hint = "it is there with other properties; delete it, or say the same"
	case amqp091.AccessRefused:
		hint = "the login may not do that"
	case amqp091.ResourceLocked:
		hint = "another connection has it for itself"
	default:
		hint = "the broker refuses it"
	}
	return sessions.Fail(FailedTopology, fmt.Errorf("%s: %s: %w", what, hint, err))
}
