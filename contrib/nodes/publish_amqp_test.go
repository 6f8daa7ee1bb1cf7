package nodes_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	amqp091 "github.com/rabbitmq/amqp091-go"
)

// dialBroker connects with a bound on everything that may hang.
func dialBroker(url string) (*amqp091.Connection, error) {
	return amqp091.DialConfig(url, amqp091.Config{
		Heartbeat: 2 * time.Second, Dial: func(network, address string) (net.Conn, error) {
			conn, err := net.DialTimeout(network, address, 2*time.Second)
			if err == nil {
				err = conn.SetDeadline(time.Now().Add(5 * time.Second)) // the library lifts it once it is logged in
			}
			return conn, err
		},
	})
}

// connect is that of a publishing.
func (r *rabbit) connect() (publish func(n int) error, hangUp func(), err error) {
	conn, err := dialBroker(r.url())
	if err != nil {
		return nil, nil, err
	}
	channel, err := conn.Channel()
	if err == nil {
		err = channel.Confirm(false)
	}
	if err != nil {
		conn.Close()
		return nil, nil, err
	}
	unroutable := channel.NotifyReturn(make(chan amqp091.Return, 1))
	publish = func(n int) error {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		c, err := channel.PublishWithDeferredConfirmWithContext(ctx, "amq.topic", topic, true, false, message(n))
		if err != nil {
			return err
		}
		if ok, err := c.WaitContext(ctx); err != nil || !ok {
			return fmt.Errorf("not confirmed: %v", err)
		}
		if len(unroutable) > 0 { // it is told before the confirmation
			return errors.New("no queue has taken it")
		}
		return nil
	}
	return publish, func() { conn.Close() }, nil
}

func message(n int) amqp091.Publishing {
	return amqp091.Publishing{
		MessageId: messageID(n), UserId: "guest", DeliveryMode: amqp091.Persistent, ContentType: "application/json",
		Headers: amqp091.Table{"sent-at": time.Now().UTC().Format(time.RFC3339)}, Body: body(n),
	}
}
