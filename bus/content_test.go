package bus_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
)

func decoded(t testing.TB, topic, payload string) *bus.Message {
	t.Helper()
	m, err := bus.Decode(bus.Frame{Source: "s", Topic: topic, Payload: []byte(payload)}, time.Unix(1, 0))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestContentHashIsOfTopicAndBody compares messages with one that is written in the plainest way.
func TestContentHashIsOfTopicAndBody(t *testing.T) {
	first := decoded(t, "a.b", `{"topic":"a.b","msg_id":"1","timestamp":7,"msg":{"x":1,"y":["z",1.5]}}`)
	for _, c := range []struct {
		topic, payload string
		same           bool
	}{
		{"a.b", `{"msg":{"y":["\u007a",15e-1],"x":1},"topic":"a.b","msg_id":"2","i":3}`, true},
		{"a.b", `{"topic":"a.b","id":"1","body":{"x":1,"y":["z",1.5]},"headers":{"h":1}}`, true},
		{"a.b", `{"topic":"a.b","msg":{"x":1,"y":["z",1.5]},"signature":"s","certificate":"c","crypto":"x509"}`, true},
		{"a.c", `{"topic":"a.c","msg":{"x":1,"y":["z",1.5]}}`, false},
		{"a.b", `{"topic":"a.b","msg":{"x":"1","y":["z",1.5]}}`, false},
		{"a.b", `{"topic":"a.b","msg":{"x":1,"y":[1.5,"z"]}}`, false},
		{"a.b", `{"topic":"a.b","msg":{"x":1,"y":["z",1.5],"z":null}}`, false},
	} {
		m := decoded(t, c.topic, c.payload)
		if same := m.ContentHash() == first.ContentHash(); same != c.same {
			t.Errorf("%s: the same hash: %v, want %v", c.payload, same, c.same)
		}
		copied := *m
		copied.ID = "other"
		if copied.ContentHash() != m.ContentHash() {
			t.Errorf("%s: a copy has another hash", c.payload)
		}
		bare := bus.Message{Topic: m.Topic, Body: m.Body}
		if bare.ContentHash() != m.ContentHash() {
			t.Errorf("%s: the hash differs without Decode", c.payload)
		}
	}
}

func BenchmarkContentHash(b *testing.B) {
	lines := strings.Repeat("a line of text without anything odd, as a log has many of them\\n", 15000)
	for _, c := range []struct{ name, body string }{
		{"usual", `{"commit":{"repo":"bash","branch":"main","rev":"abc","username":"bob","stats":{"total":{"files":3,` +
			`"lines":25}},"summary":"Mend a fault","message":"Mend a fault\n\nIt was there."},"agent":"bob"}`},
		{"1MB", fmt.Sprintf(`{"log":"%s"}`, lines)},
	} {
		b.Run(c.name, func(b *testing.B) {
			m := decoded(b, "a.b", `{"topic":"a.b","msg_id":"1","timestamp":7,"msg":`+c.body+`}`)
			b.SetBytes(int64(len(m.Payload)))
			for b.Loop() {
				fresh := bus.Message{Topic: m.Topic, Body: m.Body, Payload: m.Payload}
				fresh.ContentHash()
			}
		})
	}
}
