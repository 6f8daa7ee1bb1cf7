package amqp

import (
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	amqp091 "github.com/rabbitmq/amqp091-go"

	"github.com/notifyd/notifyd/bus/amqp/rabbittest"
	"github.com/notifyd/notifyd/bus/bustest"
	"github.com/notifyd/notifyd/internal/exectest"
)

// TestSilenceIsAnAlarm: a consumer that gets nothing looks healthy.
func TestSilenceIsAnAlarm(t *testing.T) {
	broker := rabbittest.Get(t)
	exchange, queue := makeQueue(t, broker.Channel(t), nil)
	r := start(t, "url: %q, queue: %s, exchange: %s, silence: 20ms", broker.URL(rabbittest.Admin), queue, exchange)
	exectest.Eventually(t, patience, "it is made anew", func() bool { return r.value(failures, FailedSilent) >= 3 })
	if n := strings.Count(r.log.String(), "connected, but nothing has come"); n != 1 ||
		r.value("notifyd_amqp_silent", "") != 1 {
		t.Errorf("%d warnings, silent is %v", n, r.value("notifyd_amqp_silent", ""))
	}
	publish(t, broker, exchange, bustest.Sample(1))
	r.next().Done()
	r.says("messages come again")
}

// TestBrokerThatAnswersNothing takes the connection, and no more.
func TestBrokerThatAnswersNothing(t *testing.T) {
	broker := rabbittest.Get(t)
	proxy := rabbittest.NewProxy(t, broker)
	exchange, queue := makeQueue(t, broker.Channel(t), nil)
	r := start(t, "url: %q, queue: %s, exchange: %s, timeout: 5s",
		broker.At(proxy.Addr, rabbittest.Admin, rabbittest.Vhost), queue, exchange)
	r.connected()
	stop := proxy.Attack(func(c net.Conn) { io.Copy(io.Discard, c) })
	r.says("the broker did not answer within 5s")
	stop()
	r.connected()
	if r.value(failures, FailedTimeout) == 0 {
		t.Error("no timeout is counted")
	}
}

// TestBrokerThatFreezes shows no sign of life any more: heartbeats find that.
func TestBrokerThatFreezes(t *testing.T) {
	broker := rabbittest.Get(t)
	exchange, queue := makeQueue(t, broker.Channel(t), nil)
	r := start(t, "url: %q, queue: %s, exchange: %s, heartbeat: 1s, timeout: 20s", broker.URL(rabbittest.Admin), queue,
		exchange)
	r.connected()
	broker.Freeze(t)
	thawed := sync.OnceFunc(func() { broker.Thaw(t) })
	defer thawed()
	r.reaches("notifyd_source_connected", "", 0)
	r.reaches(failures, FailedLost, 1)
	thawed()
	r.connected()
	publish(t, broker, exchange, bustest.Sample(1))
	r.next().Done()
}

// TestBlockedIsSaid: brokers tell who publishes only, so the library's channel is played.
func TestBlockedIsSaid(t *testing.T) {
	broker := rabbittest.Get(t)
	exchange, queue := makeQueue(t, broker.Channel(t), nil)
	r := start(t, "url: %q, queue: %s, exchange: %s", broker.URL(rabbittest.Admin), queue, exchange)
	r.connected()
	s := &session{
		broker: r.brokers[0], acker: newAcker(nil), blocked: make(chan amqp091.Blocking),
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.tell(t.Context())
	}()
	for _, active := range []bool{true, false} {
		s.blocked <- amqp091.Blocking{Active: active, Reason: "low on memory"}
		r.reaches("notifyd_amqp_blocked", "", map[bool]float64{true: 1}[active])
	}
	r.says("blocked=true reason=\"low on memory\"")
	close(s.blocked)
	<-ended
}

// TestBridgeSaysThatTheBrokerIsShort: RabbitMQ does not read from who publishes while it has no memory or disk.
func TestBridgeSaysThatTheBrokerIsShort(t *testing.T) {
	broker := rabbittest.Get(t)
	exchange, _ := makeQueue(t, broker.Channel(t), nil)
	b := newTestBridge(t, "url: %q, exchange: %s", broker.URL(rabbittest.Admin), exchange)
	for range 2 {
		if _, _, err := b.Carry(t.Context(), bustestLoads(1)); err != nil {
			t.Fatal(err)
		}
		b.out.noteBlocked(amqp091.Blocking{Active: true, Reason: "low on disk"})
		err := b.out.why(t.Context(), errLost)
		if err == nil || err.Error() != "the broker takes no messages: low on disk" {
			t.Errorf("why = %v", err)
		}
		b.out.end()
		b.out = nil
	}
}
