package amqp

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"testing"
	"time"

	amqp091 "github.com/rabbitmq/amqp091-go"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/amqp/rabbittest"
)

func TestMain(m *testing.M) { os.Exit(rabbittest.Main(m)) }

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// publishing gives the AMQP form of a message: of one in fedmsg's form its parts, of any other the payload as it is.
func publishing(f bus.Frame) amqp091.Publishing {
	p := amqp091.Publishing{ContentType: "application/json", DeliveryMode: amqp091.Persistent, Body: f.Payload}
	var e struct {
		Body      json.RawMessage `json:"msg"`
		ID        string          `json:"msg_id"`
		Timestamp int64           `json:"timestamp"`
	}
	if json.Unmarshal(f.Payload, &e) != nil || e.Body == nil || len(e.ID) > maxName {
		return p
	}
	p.Body, p.MessageId = e.Body, e.ID
	if e.Timestamp > 0 {
		p.Headers = amqp091.Table{"sent-at": time.Unix(e.Timestamp, 0).UTC().Format(time.RFC3339)}
	}
	return p
}

// publish sends messages to an exchange, and waits until the broker has them. It leaves out what AMQP cannot carry.
func publish(t testing.TB, b *rabbittest.Broker, exchange string, messages ...bus.Frame) (sent int) {
	conn, err := amqp091.Dial(b.URL(rabbittest.Admin))
	if err != nil {
		t.Errorf("connect a publisher: %v", err)
		return 0
	}
	defer conn.Close()
	return publishOver(t, conn, exchange, messages...)
}

// publishOver is publish over a connection that is there.
func publishOver(t testing.TB, conn *amqp091.Connection, exchange string, messages ...bus.Frame) (sent int) {
	channel, err := conn.Channel()
	if err == nil {
		err = channel.Confirm(false)
	}
	if err != nil {
		t.Errorf("open the publisher's channel: %v", err)
		return 0
	}
	defer channel.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	var last *amqp091.DeferredConfirmation
	for _, m := range messages {
		if len(m.Topic) > maxName {
			continue
		}
		last, err = channel.PublishWithDeferredConfirmWithContext(ctx, exchange, m.Topic, false, false, publishing(m))
		if err != nil {
			t.Errorf("publish: %v", err)
			return sent
		}
		sent++
	}
	if last != nil {
		if _, err := last.WaitContext(ctx); err != nil {
			t.Errorf("wait until the broker has the messages: %v", err)
		}
	}
	return sent
}

// makeQueue makes a topic exchange and a durable queue that gets everything sent to it.
func makeQueue(t testing.TB, c *amqp091.Channel, arguments amqp091.Table) (exchange, queue string) {
	t.Helper()
	exchange, queue = rabbittest.Name("exchange"), rabbittest.Name("queue")
	if err := c.ExchangeDeclare(exchange, "topic", true, false, false, false, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := c.QueueDeclare(queue, true, false, false, false, arguments); err != nil {
		t.Fatal(err)
	}
	if err := c.QueueBind(queue, "#", exchange, false, nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // before the channel is closed
		c.QueueDelete(queue, false, false, false)
		c.ExchangeDelete(exchange, false, false)
	})
	return exchange, queue
}
