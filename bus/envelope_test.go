package bus_test

import (
	"testing"

	"github.com/notifyd/notifyd/bus"
)

func TestPeekEnvelope(t *testing.T) {
	for payload, want := range map[string]bus.Envelope{
		`{"i":3,"msg":{"topic":"no","a":["]\"}",{}]},"topic":"t","username":"u","certificate":"c","seq_id":7}`: {
			Topic: "t", Username: "u", Counter: 3, Certificate: "c", Sequence: 7,
		},
		` { "x" : "a,b" , "i" : 3.0 , "topic" : null, "username":"u" } `: {Username: "u"},
		`{"i":[1,2],"username":"u"}`:                                     {Username: "u"},
		`{"topic":"t","i":`:                                              {Topic: "t"},
		`[{"i":3}]`:                                                      {},
		`{"a":1]}}}`:                                                     {},
		``:                                                               {},
	} {
		if got := bus.PeekEnvelope([]byte(payload)); got != want {
			t.Errorf("PeekEnvelope(%s) = %+v, want %+v", payload, got, want)
		}
	}
}
