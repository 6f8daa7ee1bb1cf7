package bus_test

import (
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
)

// TestComposeOrTake: an envelope is taken as it came, and anything that only looks like one is a body.
func TestComposeOrTake(t *testing.T) {
	now := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	const envelope = `{"i":1,"msg":{"a":"}"},"msg_id":"2026-x","timestamp":1780000000,"topic":"a.b"}`
	for _, c := range []struct{ name, body, id, reason string }{
		{"an envelope", envelope, "2026-x", ""},
		{"an envelope with blanks", "\n { \"topic\" : \"a.b\", \"msg\" : 1 , \"msg_id\":\"2026-x\",\"timestamp\":1} ", "2026-x", ""},
		{"of another topic", strings.Replace(envelope, "a.b", "a.c", 1), "beside", ""},
		{"without an id", strings.Replace(envelope, "msg_id", "id", 1), "beside", ""},
		{"without a time", strings.Replace(envelope, "timestamp", "time", 1), "beside", ""},
		{"whose fields lie deeper", `{"x":` + envelope + `}`, "beside", ""},
		{"a list of one", `[` + envelope + `]`, "beside", ""},
		{"a number", `17`, "beside", ""},
		{"a text that breaks off", `{"topic":"a.b\`, "", bus.DroppedText},
		{"an envelope that breaks off", envelope[:len(envelope)-1], "", bus.DroppedText},
		{"an envelope and more", envelope + `{}`, "", bus.DroppedMalformed},
		{"an envelope that is no JSON", strings.Replace(envelope, `{"a":"}"}`, `{a}`, 1), "", bus.DroppedMalformed},
		{"more fields", `{},"id":"forged"`, "", bus.DroppedText},
		{"too large", `"` + strings.Repeat("x", bus.MaxPayload) + `"`, "", bus.DroppedLarge},
	} {
		var f bus.Frame
		parts := bus.Parts{
			Topic: "a.b", ID: "beside", Headers: []byte(`{"sent-at":"2026-06-01T11:00:00Z"}`), Body: []byte(c.body),
		}
		if reason := f.ComposeOrTake(parts, now); reason != c.reason {
			t.Errorf("%s: refused as %q, want %q", c.name, reason, c.reason)
			continue
		} else if reason != "" {
			continue
		}
		m, err := bus.Decode(f, now)
		if err != nil || m.ID != c.id || c.id == "beside" && m.Time.Hour() != 11 {
			t.Errorf("%s: %+v, %v; want the id %q", c.name, m, err, c.id)
		}
		if taken := string(f.Payload) == c.body; taken != (c.id == "2026-x") {
			t.Errorf("%s: taken as it came is %v", c.name, taken)
		}
	}
}
