package nats

import (
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus/bustest"
	"github.com/notifyd/notifyd/bus/nats/natstest"
)

// TestStuckNodeGivesItsMessagesBack: a node that commits nothing keeps no message from another, and takes none until it
// commits again.
func TestStuckNodeGivesItsMessagesBack(t *testing.T) {
	t.Parallel()
	server := natstest.Start(t)
	js := server.JetStream(t)
	natstest.Stream(t, js, 1, "EVENTS", "org.>")
	keys := "urls: [%q], stream: EVENTS, ack_wait: 30s"
	stuck := start(t, keys, server.URL)
	stuck.connected()
	publish(t, js, "", bustest.Sample(1))
	held := stuck.next()

	gone := time.Now()
	other := start(t, keys, server.URL)
	other.connected()
	again := other.next()
	if string(again.Payload) != string(held.Payload) {
		t.Errorf("the other node got %s, want %s", again.Payload, held.Payload)
	}
	if took := time.Since(gone); took > 3*holds/2 {
		t.Errorf("the other node got it after %v", took)
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
