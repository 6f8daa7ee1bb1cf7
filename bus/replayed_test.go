package bus_test

import (
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
)

func TestReplayed(t *testing.T) {
	for payload, want := range map[string]string{
		`{"topic": "t", "msg": {"b": 1.0, "a": "ü"}, "i": 3, "signature": "s"}`: `{"i":3,"msg":{"a":"\u00fc","b":1.0},"seq_id":7,` +
			`"signature":"s","topic":"t"}`,
		`{"topic": "t", "msg": null, "seq_id": 99}`: `{"msg":null,"seq_id":7,"topic":"t"}`,
		`{"topic": "t", "body": {}, "headers": {"x": 1}, "id": "uuid"}`: `{"headers":{"x":1},"msg":{},"msg_id":"uuid",` +
			`"seq_id":7,"timestamp":1795262400,"topic":"t"}`,
	} {
		got, err := bus.Replayed(bus.Kept{Number: 7, ID: "uuid", Time: time.Unix(1795262400, 5), Payload: []byte(payload)})
		if err != nil || string(got) != want {
			t.Errorf("Replayed(%s) = %s, %v\nwant %s", payload, got, err, want)
		}
	}
	for _, payload := range []string{"", "[]", "{"} {
		if got, err := bus.Replayed(bus.Kept{Number: 7, Payload: []byte(payload)}); err == nil {
			t.Errorf("Replayed(%s) = %s, want an error", payload, got)
		}
	}
}
