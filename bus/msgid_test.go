package bus_test

import (
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
)

// TestMadeIDIsThatOfTheMessage: the id that is made for a message without one does not depend on how it is spelled, nor
// on what is added on the way.
func TestMadeIDIsThatOfTheMessage(t *testing.T) {
	id := func(topic, payload string) string {
		t.Helper()
		m, err := bus.Decode(bus.Frame{Topic: topic, Payload: []byte(payload)}, time.Unix(1795953600, 0))
		if err != nil {
			t.Fatal(err)
		}
		return m.ID
	}
	first := id("a.b", `{"topic":"a.b","msg":{"x":1.5,"y":"\u00fc"},"timestamp":1795953600,"i":3,"username":"u"}`)
	for _, same := range []string{
		`{ "username": "u", "i": 3, "timestamp": 1795953600, "msg": {"y": "ü", "x": 1.50}, "topic": "a.b"}`,
		`{"topic":"a.b","msg":{"x":1.5,"y":"ü"},"timestamp":1795953600,"i":3,"username":"u","seq_id":7}`,
	} {
		if got := id("a.b", same); got != first {
			t.Errorf("%s has the id %s, want %s", same, got, first)
		}
	}
	for _, other := range []string{
		`{"topic":"a.b","msg":{"x":1.5,"y":"ü"},"timestamp":1795953601,"i":3,"username":"u"}`,
		`{"topic":"a.b","msg":{"x":1.5,"y":"ü"},"timestamp":1795953600,"i":4,"username":"u"}`,
		`{"topic":"a.b","msg":{"x":1.5,"y":"u"},"timestamp":1795953600,"i":3,"username":"u"}`,
	} {
		if id("a.b", other) == first {
			t.Errorf("%s has the same id", other)
		}
	}
	if id("a.b", `{"msg":1}`) == id("a.c", `{"msg":1}`) {
		t.Error("two topics have the same id")
	}
}
