package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	amqp091 "github.com/rabbitmq/amqp091-go"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/amqp/rabbittest"
	"github.com/notifyd/notifyd/internal/exectest"
)

// TestBridgesMakeNoRing joins one RabbitMQ and one ZeroMQ bus by two daemons, each of which reads both. Some messages
// are sent on this bus, some on that one. Each comes to the other bus, and is on each exactly once.
func TestBridgesMakeNoRing(t *testing.T) {
	broker := rabbittest.Start(t)
	// One daemon leads to AMQP, the other to ZeroMQ, and the first reads what the second writes there.
	t.Run("one for each way", func(t *testing.T) {
		r := newRing(t, broker)
		r.daemon("one", fmt.Sprintf("zmq: {endpoints: {hub: '%s', two: '%s'}}", r.hub, r.at("two")), r.site("one", "amq.topic"),
			r.toAMQP("amq.topic"))
		r.daemon("two", fmt.Sprintf("zmq: {endpoints: {hub: '%s'}}", r.hub), r.site("two", "amq.topic"),
			fmt.Sprintf("gateway: {listen: '%s', bridge: true}", r.at("two")))
		r.subscribe(r.at("two"))
		r.expect(1)
	})
	// Both lead both ways. Neither can know of the other in time, so that a message may come twice; but it goes round no
	// more.
	t.Run("both for both ways", func(t *testing.T) {
		r := newRing(t, broker)
		for name, other := range map[string]string{"one": "two", "two": "one"} {
			r.daemon(name, fmt.Sprintf("zmq: {endpoints: {hub: '%s', %s: '%s'}}", r.hub, other, r.at(other)),
				r.site(name, "amq.topic"), r.toAMQP("amq.topic"),
				fmt.Sprintf("gateway: {listen: '%s', bridge: true}", r.at(name)))
		}
		r.subscribe(r.at("one"), r.at("two"))
		r.expect(2)
	})
	// fedmsg-migration-tools leads to ZeroMQ, from one exchange; a daemon leads to AMQP, to another, as it does itself.
	t.Run("beside fedmsg-migration-tools", func(t *testing.T) {
		r := newRing(t, broker)
		theirs := exectest.Start(t, exec.Command(exectest.Python(t, "pika"), "testdata/amqp_to_zmq.py",
			broker.URL(rabbittest.Admin), "amq.topic", r.at("theirs")))
		exectest.Eventually(t, 20*time.Second, "it bridges", func() bool {
			return strings.Contains(theirs.Text(), "bridging")
		})
		r.daemon("one", fmt.Sprintf("zmq: {endpoints: {hub: '%s', theirs: '%s'}}", r.hub, r.at("theirs")),
			r.site("one", "amq.topic"), r.toAMQP("zmq.topic"))
		r.daemon("two", fmt.Sprintf("zmq: {endpoints: {hub: '%s', theirs: '%s'}}", r.hub, r.at("theirs")),
			r.site("two", "zmq.topic"))
		r.subscribe(r.at("theirs"))
		r.expect(1)
	})
}

// A ring is two buses: RabbitMQ, and a publisher of ZeroMQ's with whatever else publishes there.
type ring struct {
	t       *testing.T
	broker  *rabbittest.Broker
	channel *amqp091.Channel
	queue   string // has a copy of everything on the AMQP bus
	hub     string // where the publisher of the ZeroMQ bus is
	fedmsg  *publisher
	seen    []wireSubscriber // of everything on the ZeroMQ bus
	ports   map[string]int
	stores  []string

	onAMQP map[string]int // by bus.CommonID
}

func newRing(t *testing.T, broker *rabbittest.Broker) *ring {
	t.Helper()
	python := exectest.Python(t, "zmq")
	port := exectest.FreePort(t)
	r := &ring{
		t: t, broker: broker, channel: broker.Channel(t), queue: rabbittest.Name("all"), ports: map[string]int{},
		hub: fmt.Sprintf("tcp://127.0.0.1:%d", port), onAMQP: map[string]int{},
	}
	err := r.channel.ExchangeDeclare("zmq.topic", "topic", true, false, false, false, nil)
	if err == nil {
		_, err = r.channel.QueueDeclare(r.queue, true, false, true, false, nil)
	}
	for _, exchange := range []string{"amq.topic", "zmq.topic"} {
		if err == nil {
			err = r.channel.QueueBind(r.queue, "#", exchange, false, nil)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	r.fedmsg = startPublisher(t, python, port)
	r.subscribe(r.hub)
	return r
}

// at is the address at which somebody publishes over ZeroMQ.
func (r *ring) at(name string) string {
	if r.ports[name] == 0 {
		r.ports[name] = exectest.FreePort(r.t)
	}
	return fmt.Sprintf("tcp://127.0.0.1:%d", r.ports[name])
}

func (r *ring) site(name, exchange string) string {
	return fmt.Sprintf("amqp: {brokers: {site: {queue: %s, exchange: %s, url: '%s'}}}", rabbittest.Name(name), exchange,
		r.broker.URL(rabbittest.Admin))
}

func (r *ring) toAMQP(exchange string) string {
	return fmt.Sprintf("to_amqp: {main: {exchange: %s, url: '%s'}}", exchange, r.broker.URL(rabbittest.Admin))
}

// daemon starts a daemon with these parts of the section bus.
func (r *ring) daemon(name string, parts ...string) {
	r.t.Helper()
	folder, port := r.t.TempDir(), exectest.FreePort(r.t)
	store := folder + "/notifyd.db"
	lines := []string{"database: {dsn: " + store + "}", "web: {listen: ''}",
		fmt.Sprintf("metrics: {listen: '127.0.0.1:%d'}", port), "bus:"}
	for _, part := range parts {
		lines = append(lines, "  "+part)
	}
	config := writeFile(r.t, folder, "notifyd.yaml", lines...)
	waitReady(r.t, exectest.Start(r.t, exec.Command(buildNotifyd(r.t), "--config", config, "serve")), port)
	r.stores = append(r.stores, store)
	waitMetric(r.t, port, "notifyd_source_connected{", `source="hub"} 1`)
	waitMetric(r.t, port, "notifyd_source_connected{", `source="site"} 1`)
}

func (r *ring) subscribe(addresses ...string) {
	for _, address := range addresses {
		r.seen = append(r.seen, subscribeTo(r.t, address))
	}
}

const ringMessages = 20 // on each bus

// expect sends messages on both buses, and checks that each is on both, at least once and at most so often.
func (r *ring) expect(most int) {
	r.t.Helper()
	id := func(n int) string { return fmt.Sprintf("4b5a3d2c-95a0-4f0e-b1cd-%012x", n+1) }
	ready := 0
	exectest.Eventually(r.t, time.Minute, "everybody is connected", func() bool {
		ready++
		r.send(fmt.Sprintf("4b5a3d2c-0000-4f0e-b1cd-%012x", ready), true)
		r.send(fmt.Sprintf("4b5a3d2c-0000-4f0e-b1cd-%012x", 1<<32+ready), false)
		pause(r.t, 300*time.Millisecond)
		zmq, amqp := r.onZMQ(), r.onBroker()
		last := fmt.Sprintf("-4f0e-b1cd-%012x", ready)
		return zmq["4b5a3d2c-0000"+last] > 0 && amqp["4b5a3d2c-0000"+last] > 0 &&
			zmq[fmt.Sprintf("4b5a3d2c-0000-4f0e-b1cd-%012x", 1<<32+ready)] > 0
	})
	for n := range ringMessages {
		r.send(id(2*n), true)
		r.send(id(2*n+1), false)
	}
	whole := func(counts map[string]int) bool {
		for n := range 2 * ringMessages {
			if counts[id(n)] == 0 {
				return false
			}
		}
		return true
	}
	exectest.Eventually(r.t, time.Minute, "all are on both buses", func() bool {
		return whole(r.onZMQ()) && whole(r.onBroker())
	})
	for _, store := range r.stores {
		exectest.Eventually(r.t, time.Minute, "all are stored", func() bool {
			return count(r.t, store, "SELECT count(*) FROM messages WHERE msg_id LIKE '%4b5a3d2c-95a0-%'") >= 2*ringMessages
		})
	}
	pause(r.t, time.Second) // in which a ring would go round some hundred times
	for bus, counts := range map[string]map[string]int{"ZeroMQ": r.onZMQ(), "AMQP": r.onBroker()} {
		for n := range 2 * ringMessages {
			if c := counts[id(n)]; c < 1 || c > most {
				r.t.Errorf("message %d is %d times on %s; at most %d", n, c, bus, most)
			}
		}
	}
	for _, store := range r.stores {
		if n := count(r.t, store, "SELECT count(*) FROM messages WHERE msg_id LIKE '%4b5a3d2c-95a0-%'"); n != 2*ringMessages {
			r.t.Errorf("%d messages are stored, want %d", n, 2*ringMessages)
		}
	}
}

// send sends a message on one of the buses, as it is usual there.
func (r *ring) send(id string, zmq bool) {
	r.t.Helper()
	if zmq {
		r.fedmsg.say(r.t, crossing, "2026-"+id, 1, map[string]any{"id": id})
		return
	}
	ctx, cancel := context.WithTimeout(r.t.Context(), 20*time.Second)
	defer cancel()
	err := r.channel.PublishWithContext(ctx, "amq.topic", crossing, false, false, amqp091.Publishing{
		MessageId: id, DeliveryMode: amqp091.Persistent, ContentType: "application/json", ContentEncoding: "utf-8",
		Headers: amqp091.Table{"sent-at": "2026-11-29T12:00:00+00:00"}, Body: fmt.Appendf(nil, `{"id": %q}`, id),
	})
	if err != nil {
		r.t.Fatal(err)
	}
}

// onZMQ counts the messages on the ZeroMQ bus.
func (r *ring) onZMQ() map[string]int {
	counts := map[string]int{}
	for _, s := range r.seen {
		for _, line := range s.got(r.t) {
			_, payload, _ := strings.Cut(line, "\t")
			var e struct {
				ID  string         `json:"msg_id"`
				Msg map[string]any `json:"msg"`
			}
			if err := json.Unmarshal([]byte(payload), &e); err != nil || e.Msg["id"] != bus.CommonID(e.ID) {
				r.t.Errorf("no form of fedmsg: %s", payload)
			}
			counts[bus.CommonID(e.ID)]++
		}
	}
	return counts
}

// onBroker counts the messages on the AMQP bus.
func (r *ring) onBroker() map[string]int {
	for {
		d, ok, err := r.channel.Get(r.queue, true)
		if err != nil {
			r.t.Fatal(err)
		}
		if !ok {
			return r.onAMQP
		}
		r.onAMQP[bus.CommonID(d.MessageId)]++
	}
}
