package amqp

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"

	amqp091 "github.com/rabbitmq/amqp091-go"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/amqp/rabbittest"
	"github.com/notifyd/notifyd/bus/bustest"
	"github.com/notifyd/notifyd/bus/sessions"
	"github.com/notifyd/notifyd/internal/exectest"
)

const failures = "notifyd_amqp_failures_total"

// TestCertificateIsTheLogin: TLS with EXTERNAL, as at Fedora's public broker.
func TestCertificateIsTheLogin(t *testing.T) {
	broker := rabbittest.Get(t)
	exchange, queue := makeQueue(t, broker.Channel(t), nil)
	files := broker.Certificates
	r := start(t, "url: 'amqps://client:@localhost:%s', ca_file: %s, cert_file: %s, key_file: %s, queue: %s, exchange: %s",
		broker.TLSPort, files.CA, files.Cert, files.Key, queue, exchange)
	r.connected()
	publish(t, broker, exchange, bustest.Sample(1))
	f := r.next()
	f.Done()
	if f.Source != "test" || f.Topic != bustest.Sample(1).Topic || f.Publisher != "" || !f.Whole || f.Resumed {
		t.Errorf("%+v", f)
	}
	for name, r := range map[string]*running{
		"another CA": start(t, "url: 'amqps://localhost:%s', ca_file: %s, cert_file: %s, key_file: %s",
			broker.TLSPort, files.OtherCA, files.Cert, files.Key),
		"no certificate": start(t, "url: %q, ca_file: %s", "amqps://localhost:"+broker.TLSPort, files.CA),
		"another name": start(t, "url: 'amqps://[::ffff:127.0.0.1]:%s', ca_file: %s, cert_file: %s, key_file: %s",
			broker.TLSPort, files.OtherCA, files.Cert, files.Key),
	} {
		exectest.Eventually(t, patience, name+" is refused", func() bool { return r.value(failures, "") > 1 })
		if r.value("notifyd_source_reconnects_total", "") > 0 || r.value("notifyd_source_connected", "") > 0 {
			t.Errorf("%s: it was connected", name)
		}
	}
}

// TestPublisherIsWhomTheBrokerHasAuthenticated: the broker refuses a user_id that is not the login's.
func TestPublisherIsWhomTheBrokerHasAuthenticated(t *testing.T) {
	broker := rabbittest.Get(t)
	channel := broker.ChannelOf(t, rabbittest.Other)
	exchange, queue := makeQueue(t, broker.Channel(t), nil)
	r := start(t, "url: %q, queue: %s, exchange: %s", broker.URL(rabbittest.Admin), queue, exchange)
	send := func(user string) error {
		return channel.PublishWithContext(t.Context(), exchange, "a.b", false, false,
			amqp091.Publishing{UserId: user, Body: []byte(`{}`)})
	}
	for _, user := range []string{rabbittest.Other, ""} {
		if err := send(user); err != nil {
			t.Fatal(err)
		}
		f := r.next()
		if f.Publisher != user {
			t.Errorf("the publisher is %q, want %q", f.Publisher, user)
		}
		f.Done()
	}
	closed := channel.NotifyClose(make(chan *amqp091.Error, 1))
	if err := send(rabbittest.Admin); err != nil {
		t.Fatal(err)
	}
	if e := <-closed; e == nil || e.Code != amqp091.PreconditionFailed {
		t.Errorf("the broker let a forged user_id pass: %v", e)
	}
}

// TestRefusals: what the broker refuses is said once, in words that help, and tried again.
func TestRefusals(t *testing.T) {
	broker := rabbittest.Get(t)
	channel := broker.Channel(t)
	exchange, queue := makeQueue(t, channel, nil)
	locked := rabbittest.Name("locked")
	if _, err := channel.QueueDeclare(locked, false, false, true, false, nil); err != nil {
		t.Fatal(err)
	}
	at := net.JoinHostPort(broker.Host, broker.Port)
	url, reader := broker.URL(rabbittest.Admin), broker.URL(rabbittest.Reader)
	for _, c := range []struct{ name, keys, reason, says string }{
		{"a wrong password", fmt.Sprintf("url: 'amqp://admin:wrong-sesame@%s'", at), FailedLogin, "refuses the login"},
		{"an absent vhost", fmt.Sprintf("url: %q", broker.At(at, rabbittest.Admin, "nowhere")), FailedLogin,
			"does not let this login into the vhost"},
		{"a vhost that is closed", fmt.Sprintf("url: %q", broker.At(at, rabbittest.Admin, rabbittest.Closed)), FailedLogin,
			"does not let this login into the vhost"},
		{"a passive queue that is not there", fmt.Sprintf("url: %q, queue: nowhere, passive: true", url), FailedTopology,
			"(passive): it is not there"},
		{"other arguments", fmt.Sprintf("url: %q, queue: %s, arguments: {x-max-length: 7}", url, queue), FailedTopology,
			"it is there with other properties"},
		{"no exchange", fmt.Sprintf("url: %q, exchange: nowhere", url), FailedTopology, "it is not there"},
		{"no right to make a queue", fmt.Sprintf("url: %q, queue: %s", reader, rabbittest.Name("mine")), FailedTopology,
			"the login may not do that"},
		{"a queue of another connection", fmt.Sprintf("url: %q, queue: %s", url, locked), FailedTopology,
			"another connection has it for itself"},
		{"no exchange for dead letters", fmt.Sprintf("url: %q, queue: %s, passive: true, dead_letter: nowhere", url, queue),
			FailedTopology, "look for the exchange of dead letters"},
		{"dead letters at an exchange of another type", fmt.Sprintf("url: %q, queue: %s, dead_letter: %s", url,
			rabbittest.Name("q"), exchange), FailedTopology, "make the exchange and the queue of dead letters"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := start(t, "%s", c.keys)
			r.says(c.says)
			tries := 2.0
			if c.name == "a wrong password" {
				tries = 1 // RabbitMQ answers after three seconds
			}
			exectest.Eventually(t, patience, "it is tried again", func() bool { return r.value(failures, c.reason) >= tries })
			if n := strings.Count(r.log.String(), "level=WARN"); n != 1 {
				t.Errorf("%d warnings for one reason", n)
			}
		})
	}
}

// TestQueueIsDeletedWhileItIsConsumed: the channel stays open then, and nothing would ever come again.
func TestQueueIsDeletedWhileItIsConsumed(t *testing.T) {
	broker := rabbittest.Get(t)
	channel := broker.Channel(t)
	exchange, queue := makeQueue(t, channel, nil)
	r := start(t, "url: %q, queue: %s, exchange: %s", broker.URL(rabbittest.Admin), queue, exchange)
	r.connected()
	if _, err := channel.QueueDelete(queue, false, false, false); err != nil {
		t.Fatal(err)
	}
	r.says("the broker has cancelled the consumer")
	r.says("the queue was not there and is made")
	r.connected()
	publish(t, broker, exchange, bustest.Sample(1), bustest.Sample(2))
	for _, resumed := range []bool{true, false} {
		if f := r.next(); f.Resumed != resumed {
			t.Errorf("Resumed is %v, want %v", f.Resumed, resumed)
		} else {
			f.Done()
		}
	}
}

// TestChannelException: a channel is finished after one, and the connection lives on.
func TestChannelException(t *testing.T) {
	broker := rabbittest.Get(t)
	exchange, queue := makeQueue(t, broker.Channel(t), nil)
	r := start(t, "url: %q, queue: %s, exchange: %s", broker.URL(rabbittest.Admin), queue, exchange)
	publish(t, broker, exchange, bustest.Sample(1))
	first := r.next()
	if err := r.brokers[0].acks.Load().ack(4711, false); err != nil {
		t.Fatal(err)
	}
	r.says("unknown delivery tag 4711")
	again := r.next()
	if again.Topic != first.Topic || again.Resumed {
		t.Errorf("%+v, want the first again, and nothing lost", again)
	}
	first.Done() // of a channel that is gone
	again.Done()
	r.reaches(failures, FailedClosed, 1)
	r.reaches("notifyd_amqp_redelivered_total", "", 1)
	r.reaches("notifyd_amqp_unacknowledged", "", 0)
}

// TestPoisonGoesToTheDeadLetters: what is no message is kept for people, and holds nothing up.
func TestPoisonGoesToTheDeadLetters(t *testing.T) {
	broker := rabbittest.Get(t)
	channel := broker.Channel(t)
	exchange, queue, dead := rabbittest.Name("exchange"), rabbittest.Name("queue"), rabbittest.Name("dead")
	if err := channel.ExchangeDeclare(exchange, "topic", false, true, false, false, nil); err != nil {
		t.Fatal(err)
	}
	r := start(t, "url: %q, queue: %s, exchange: %s, dead_letter: %s, queue_type: quorum, topics: [a.#, 'c.*']",
		broker.URL(rabbittest.Admin), queue, exchange, dead)
	r.connected()
	poison := []string{"no JSON", `{},"id":"x"`, "{\"a\":\"\xff\"}", `"` + strings.Repeat("x", bus.MaxPayload) + `"`}
	for _, body := range append(poison, `{"good":true}`) {
		publish(t, broker, exchange, bus.Frame{Topic: "a.b", Payload: []byte(body)})
	}
	publish(t, broker, exchange, bus.Frame{Topic: "b.c", Payload: []byte(`{"not":"bound"}`)})
	publish(t, broker, exchange, bus.Frame{Topic: "c.d", Payload: []byte(`{"last":true}`)})
	for _, want := range []string{`{"good":true}`, `{"last":true}`} {
		f := r.next()
		f.Done()
		if !strings.Contains(string(f.Payload), want) || f.Whole {
			t.Errorf("whole %v, payload %s; want one with %s", f.Whole, f.Payload, want)
		}
	}
	for reason, n := range map[string]float64{bus.DroppedText: 1, bus.DroppedMalformed: 2, bus.DroppedLarge: 1} {
		if got := r.value("notifyd_source_messages_dropped_total", reason); got != n {
			t.Errorf("%v were dropped as %s, want %v", got, reason, n)
		}
	}
	letters, err := channel.Consume(dead, "", true, false, false, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range poison {
		if d := <-letters; string(d.Body) != want || d.Headers["x-first-death-queue"] != queue {
			t.Errorf("the dead letter is %.40q of %v, want %.40q", d.Body, d.Headers["x-first-death-queue"], want)
		}
	}
	channel.QueueDelete(queue, false, false, false)
	channel.QueueDelete(dead, false, false, false)
	channel.ExchangeDelete(dead, false, false)
}

// TestQueueWithoutAName: as at openSUSE, whose login may do nothing else. It is made anew with each connection.
func TestQueueWithoutAName(t *testing.T) {
	broker := rabbittest.Get(t)
	proxy := rabbittest.NewProxy(t, broker)
	channel, exchange := broker.Channel(t), rabbittest.Name("pubsub")
	if err := channel.ExchangeDeclare(exchange, "topic", true, false, false, false, nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { channel.ExchangeDelete(exchange, false, false) })
	r := start(t, "url: %q, exchange: %s, topics: ['opensuse.obs.#']",
		broker.At(proxy.Addr, rabbittest.Reader, rabbittest.Vhost), exchange)
	for n := range 3 {
		r.connected()
		publish(t, broker, exchange, bus.Frame{Topic: "opensuse.openqa.job.done", Payload: []byte(`{}`)},
			bus.Frame{Topic: "opensuse.obs.package.commit", Payload: fmt.Appendf(nil, `{"n":%d}`, n)})
		f := r.next()
		f.Done()
		if f.Topic != "opensuse.obs.package.commit" || f.Resumed != (n > 0) || f.Whole {
			t.Errorf("connection %d: %+v", n, f)
		}
		proxy.Down()
		r.reaches("notifyd_source_connected", "", 0)
		proxy.Up(t)
	}
}

// TestLostIsNotCancelled: the library closes the channel of cancellations too when the connection is lost.
func TestLostIsNotCancelled(t *testing.T) {
	for range 50 { // a select takes one of several at random
		s := &session{
			broker: &broker{}, cancelled: make(chan string), connClosed: make(chan *amqp091.Error),
			channelClosed: make(chan *amqp091.Error, 1),
		}
		s.channelClosed <- &amqp091.Error{Code: amqp091.FrameError, Reason: "no heartbeat"}
		close(s.cancelled)
		close(s.channelClosed)
		close(s.connClosed)
		var f sessions.Failure
		if err := s.whyClosed(); !errors.As(err, &f) || f.Reason() != FailedLost {
			t.Fatalf("the session ended by %v, want %s", err, FailedLost)
		}
	}
}
