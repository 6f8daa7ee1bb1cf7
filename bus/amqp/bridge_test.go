package amqp

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	amqp091 "github.com/rabbitmq/amqp091-go"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/amqp/rabbittest"
	"github.com/notifyd/notifyd/bus/bustest"
)

// TestBridgeContract: the broker is a real one. What dies is a proxy before it.
func TestBridgeContract(t *testing.T) {
	bustest.RunBridge(t, func(t testing.TB) bustest.BridgeFixture {
		broker := rabbittest.Get(t)
		proxy := rabbittest.NewProxy(t, broker)
		channel := broker.Channel(t)
		exchange, queue := makeQueue(t, channel, nil)
		url := broker.At(proxy.Addr, rabbittest.Admin, rabbittest.Vhost)
		one := func(keys string) string { return fmt.Sprintf("x: {url: %q, %s}", url, keys) }
		long := bustest.LoadOf(bus.Frame{Topic: "org.example." + strings.Repeat("x", 300), Payload: []byte(`{"msg":{}}`)})
		strange := bustest.LoadOf(bustest.Sample(8))
		strange.ID = strings.Repeat("i", 256)
		heavy := bustest.LoadOf(bustest.Sample(9))
		m := *heavy.Message
		m.Headers = map[string]any{"x": strings.Repeat("h", 200_000)}
		heavy.Message = &m
		var arrived []bustest.Arrived
		f := bustest.BridgeFixture{
			Driver: BridgeDriver(), Secrets: []string{"sesame"}, Timeout: 2 * time.Second,
			Config: one(fmt.Sprintf("exchange: %q, timeout: 2s, retry_min: 5ms, retry_max: 50ms", exchange)),
			Never:  []bus.Load{long, strange, heavy},
			Down:   func(testing.TB) { proxy.Down() },
			Up:     proxy.Up,
			Received: func(t testing.TB) []bustest.Arrived {
				arrived = append(arrived, drain(t, channel, queue)...)
				return arrived
			},
			Mistakes: map[string]string{
				"url":       "x: {url: 'amqps:/sesame@/'}",
				"exchange":  one("exchange: '" + fmt.Sprintf("%0300d", 1) + "'"),
				"topics":    one("topics: ['']"),
				"heartbeat": one("heartbeat: 1ns"),
				"timeout":   one("timeout: 1ns"),
				"retry_min": one("retry_min: 1ns"),
				"cert_file": one("cert_file: /dev/null"),
				"ca_file":   "x: {url: 'amqps://u:sesame@h/', ca_file: /dev/null}",
			},
		}
		for name, attack := range attacks {
			f.Attacks = append(f.Attacks, bustest.Attack{
				Name: name, Alone: true, Start: func(testing.TB) func() { return proxy.Attack(attack) },
			})
		}
		return f
	})
}

// drain takes all that is in a queue.
func drain(t testing.TB, c *amqp091.Channel, queue string) (all []bustest.Arrived) {
	for {
		d, ok, err := c.Get(queue, true)
		if err != nil {
			t.Errorf("read the queue: %v", err)
			return all
		}
		if !ok {
			return all
		}
		all = append(all, bustest.Arrived{ID: d.MessageId, Topic: d.RoutingKey, Body: d.Body})
	}
}

// newTestBridge makes a bridge of these keys.
func newTestBridge(t *testing.T, keys string, values ...any) *Bridge {
	t.Helper()
	text := "x: {" + fmt.Sprintf(keys, values...) + "}"
	decode := func(v any) error { return yaml.UnmarshalWithOptions([]byte(text), v, yaml.Strict()) }
	all, err := BridgeDriver().Open(decode, quiet())
	if err != nil {
		t.Fatal(err)
	}
	b := all[0].Bridge.(*Bridge)
	t.Cleanup(func() { b.Close() })
	return b
}

// TestBridgeHeaders: what came from fedmsg gets the headers of fedora-messaging, what came by AMQP keeps its own.
func TestBridgeHeaders(t *testing.T) {
	broker := rabbittest.Get(t)
	c := broker.Channel(t)
	exchange, queue := makeQueue(t, c, nil)
	b := newTestBridge(t, "url: %q, exchange: %s", broker.URL(rabbittest.Admin), exchange)
	fedmsg := bustest.LoadOf(bustest.Sample(1))
	fedmsg.Via = []string{"here"}
	ours := bustest.LoadOf(bus.Frame{Topic: "org.example.b", Payload: []byte(`{
		"topic":"org.example.b","id":"u","priority":4,
		"headers":{"fedora_messaging_schema":"ferry.v1","fedora_messaging_severity":40,"sent-at":"2026-01-02T03:04:05+00:00",
		"notifyd_via":"there"},"body":{"n":1}}`)})
	ours.Via = append(ours.Message.Via(), "here")
	if done, _, err := b.Carry(t.Context(), []bus.Load{fedmsg, ours}); done != 2 || err != nil {
		t.Fatal(done, err)
	}
	for _, want := range []amqp091.Table{
		{"fedora_messaging_schema": "base.message", "fedora_messaging_severity": int32(30),
			"sent-at": "2026-05-28T20:26:41+00:00", "fedora_messaging_user_zoë": true, "fedora_messaging_rpm_tea": true,
			"notifyd_via": "here"},
		{"fedora_messaging_schema": "ferry.v1", "fedora_messaging_severity": int64(40),
			"sent-at": "2026-01-02T03:04:05+00:00", "notifyd_via": "there here"},
	} {
		d, ok, err := c.Get(queue, true)
		if !ok || err != nil {
			t.Fatal(ok, err)
		}
		if fmt.Sprint(d.Headers) != fmt.Sprint(want) || d.ContentType != "application/json" ||
			d.ContentEncoding != "utf-8" || d.DeliveryMode != amqp091.Persistent {
			t.Errorf("%v\nwant %v", d.Headers, want)
		}
	}
}

// TestBridgeSaysWhatTheBrokerRefuses: the operator has to do something about it.
func TestBridgeSaysWhatTheBrokerRefuses(t *testing.T) {
	broker := rabbittest.Get(t)
	c := broker.Channel(t)
	exchange, queue := makeQueue(t, c, nil)
	for name, test := range map[string]struct{ user, exchange, keys, says string }{
		"no exchange": {rabbittest.Admin, "no.such", "", `the exchange "no.such": it is not there`},
		"forbidden":   {rabbittest.Reader, exchange, "", "may not publish to the exchange"},
		"nobody":      {rabbittest.Admin, "amq.topic", "mandatory: true", "no queue takes the topic"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newTestBridge(t, "url: %q, exchange: %s, %s", broker.URL(test.user), test.exchange, test.keys)
			for range 2 {
				done, _, err := b.Carry(t.Context(), []bus.Load{bustest.LoadOf(bustest.Sample(1))})
				if done != 0 || err == nil || !strings.Contains(err.Error(), test.says) {
					t.Errorf("Carry = %d, %v; want %q", done, err, test.says)
				}
			}
		})
	}
	full := rabbittest.Name("full")
	_, err := c.QueueDeclare(full, true, false, false, false, amqp091.Table{
		"x-max-length": 1, "x-overflow": "reject-publish",
	})
	if err == nil {
		err = c.QueueBind(full, "#", exchange, false, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer c.QueueDelete(full, false, false, false)
	b := newTestBridge(t, "url: %q, exchange: %s", broker.URL(rabbittest.Admin), exchange)
	done, _, err := b.Carry(t.Context(), bustestLoads(5))
	if done == 5 || err == nil || !strings.Contains(err.Error(), "a queue is full") {
		t.Errorf("Carry into a queue that is full = %d, %v", done, err)
	}
	if _, err := c.QueuePurge(full, false); err != nil {
		t.Fatal(err)
	}
	drain(t, c, queue)
	if done, _, err := b.Carry(t.Context(), bustestLoads(1)); done != 1 || err != nil {
		t.Errorf("Carry once there is room = %d, %v", done, err)
	}
}

func bustestLoads(n int) (all []bus.Load) {
	for _, f := range bustest.Samples(1, n) {
		all = append(all, bustest.LoadOf(f))
	}
	return all
}
