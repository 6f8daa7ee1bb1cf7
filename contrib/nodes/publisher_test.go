package nodes_test

import (
	"context"
	"fmt"
	"net"
	"regexp"
	"strconv"
	"sync"
	"testing"
	"time"

	amqp091 "github.com/rabbitmq/amqp091-go"
)

// rate is how many messages a second are published.
const rate = 8

const topic = "org.example.prod.nodes.step"

func messageID(n int) string { return fmt.Sprintf("nodes-%06d", n) }

// mark is how a message's number stands in its subject, and so in whatever is made of the message.
func mark(n int) string { return fmt.Sprintf("N%06dx", n) }

var marked = regexp.MustCompile(`N(\d{6})x`)

// numbers finds the messages that a text is about, each once.
func numbers(text []byte) []int {
	var found []int
	seen := map[int]bool{}
	for _, m := range marked.FindAllSubmatch(text, -1) {
		n, err := strconv.Atoi(string(m[1]))
		if err == nil && !seen[n] {
			seen[n] = true
			found = append(found, n)
		}
	}
	return found
}

// A publisher publishes numbered messages at a steady rate. One that the broker has not confirmed is published again,
// with the same id.
type publisher struct {
	t       testing.TB
	url     string
	stop    chan struct{}
	running sync.WaitGroup

	mu        sync.Mutex
	confirmed []time.Time // when, by number
	again     int         // how many were published once more
}

func newPublisher(t testing.TB, url string) *publisher {
	return &publisher{t: t, url: url, stop: make(chan struct{})}
}

// begin publishes until end is called.
func (p *publisher) begin() {
	p.running.Go(func() {
		began := time.Now()
		for p.ended() == nil {
			if err := p.session(began); err != nil {
				p.wait(100 * time.Millisecond)
			}
		}
	})
	p.t.Cleanup(func() { p.end() })
}

// end stops, and gives the number of messages that are published and confirmed: as many as fill the last digest.
func (p *publisher) end() int {
	for most := time.Now().Add(10 * time.Second); time.Now().Before(most) && p.ended() == nil; {
		if p.published()%digestAt == 0 {
			break
		}
		p.wait(time.Millisecond)
	}
	if p.ended() == nil {
		close(p.stop)
	}
	p.running.Wait()
	return p.published()
}

func (p *publisher) published() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.confirmed)
}

func (p *publisher) ended() error {
	select {
	case <-p.stop:
		return context.Canceled
	default:
		return nil
	}
}

func (p *publisher) wait(d time.Duration) {
	select {
	case <-time.After(d):
	case <-p.stop:
	}
}

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

// session publishes over one connection, message after message, as due by the rate since it all began.
func (p *publisher) session(began time.Time) error {
	conn, err := dialBroker(p.url)
	if err != nil {
		return err
	}
	defer conn.Close()
	channel, err := conn.Channel()
	if err != nil {
		return err
	}
	if err := channel.Confirm(false); err != nil {
		return err
	}
	unroutable := channel.NotifyReturn(make(chan amqp091.Return, 1))
	for p.ended() == nil {
		n := p.published()
		if due := began.Add(time.Duration(n) * time.Second / rate); time.Until(due) > 0 {
			p.wait(time.Until(due))
			continue
		}
		if err := publish(channel, n); err != nil {
			p.mu.Lock()
			p.again++
			p.mu.Unlock()
			return err
		}
		if len(unroutable) > 0 { // it is told before the confirmation
			p.t.Error("no queue has taken a message")
			return nil
		}
		p.mu.Lock()
		p.confirmed = append(p.confirmed, time.Now())
		p.mu.Unlock()
	}
	return nil
}

// publish publishes a message and waits for the confirmation.
func publish(channel *amqp091.Channel, n int) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	c, err := channel.PublishWithDeferredConfirmWithContext(ctx, "amq.topic", topic, true, false, message(n))
	if err != nil {
		return err
	}
	if ok, err := c.WaitContext(ctx); err != nil || !ok {
		return fmt.Errorf("not confirmed: %v", err)
	}
	return nil
}

func message(n int) amqp091.Publishing {
	return amqp091.Publishing{
		MessageId: messageID(n), UserId: "guest", DeliveryMode: amqp091.Persistent, ContentType: "application/json",
		Headers: amqp091.Table{"sent-at": time.Now().UTC().Format(time.RFC3339)},
		Body:    fmt.Appendf(nil, `{"n": %d, "subject": %q}`, n, mark(n)),
	}
}
