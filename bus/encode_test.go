package bus_test

import (
	"bytes"
	"encoding/json"
	"regexp"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
)

func TestEncodeWritesWhatAPublisherSends(t *testing.T) {
	m := &bus.Message{
		ID: "2026-6c27ea5f-5814-4f21-8186-6014e9e484b8", Topic: "org.example.dev.logger.log", Username: "alice",
		Time: time.Unix(1795218907, 999).UTC(), Counter: 1, Body: map[string]any{"log": "Hello wörld"},
	}
	got, err := bus.Encode(m)
	want := `{"i":1,"msg":{"log":"Hello w\u00f6rld"},"msg_id":"2026-6c27ea5f-5814-4f21-8186-6014e9e484b8",` +
		`"timestamp":1795218907,"topic":"org.example.dev.logger.log","username":"alice"}`
	if err != nil || string(got) != want {
		t.Errorf("Encode = %s, %v\nwant %s", got, err, want)
	}
	again(t, decode(t, m.Topic, string(got)))
	for name, bad := range map[string]*bus.Message{
		"no topic":   {ID: "x", Time: now},
		"no id":      {Topic: "t", Time: now},
		"no time":    {Topic: "t", ID: "x"},
		"odd body":   {Topic: "t", ID: "x", Time: now, Body: struct{}{}},
		"bad number": {Topic: "t", ID: "x", Time: now, Body: json.Number("x")},
	} {
		if got, err := bus.Encode(bad); err == nil {
			t.Errorf("%s: Encode = %s", name, got)
		}
	}
}

func TestNewID(t *testing.T) {
	id, err := bus.NewID(now, bytes.NewReader(bytes.Repeat([]byte{0xFF}, 16)))
	if err != nil || !regexp.MustCompile(`^2026-ffffffff-ffff-4fff-bfff-ffffffffffff$`).MatchString(id) {
		t.Errorf("NewID = %q, %v", id, err)
	}
	if _, err := bus.NewID(now, bytes.NewReader(nil)); err == nil {
		t.Error("NewID without randomness gave no error")
	}
}
