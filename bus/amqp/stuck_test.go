package amqp

import (
	"testing"

	"github.com/notifyd/notifyd/bus/amqp/rabbittest"
	"github.com/notifyd/notifyd/bus/bustest"
)

// TestStuckNodeGivesItsMessagesBack: a node that commits nothing keeps no message from another, and takes none until it
// commits again.
func TestStuckNodeGivesItsMessagesBack(t *testing.T) {
	t.Parallel()
	broker := rabbittest.Get(t)
	exchange, queue := makeQueue(t, broker.Channel(t), nil)
	keys := "url: %q, queue: %s, exchange: %s"
	stuck := start(t, keys, broker.URL(rabbittest.Admin), queue, exchange)
	stuck.connected()
	publish(t, broker, exchange, bustest.Sample(1))
	held := stuck.next()

	other := start(t, keys, broker.URL(rabbittest.Admin), queue, exchange)
	other.connected()
	again := other.next()
	if string(again.Payload) != string(held.Payload) {
		t.Errorf("the other node got %s, want %s", again.Payload, held.Payload)
	}
	again.Done()
	stuck.reaches(failures, FailedStuck, 1)
	stuck.says("none of the messages that came is stored")
	if stuck.value("notifyd_source_connected", "") != 0 {
		t.Error("it consumes, and what it has is not committed yet")
	}
	held.Done()
	stuck.connected()
}
