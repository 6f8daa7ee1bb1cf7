package bus_test

import (
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
)

// TestToFedmsg writes what came by AMQP as fedmsg-migration-tools does, but with time and headers, and it is the same
// message to a DedupWindow.
func TestToFedmsg(t *testing.T) {
	const uuid, topic = "4b5a3d2c-95a0-4f0e-b1cd-0123456789ab", "org.example.prod.git.receive"
	now := time.Date(2027, 1, 1, 0, 0, 5, 0, time.UTC)
	for _, c := range []struct{ payload, want string }{
		{`{"topic":"` + topic + `","id":"` + uuid + `","headers":{"sent-at":"2026-12-31T23:59:59+00:00","n":[1]},` +
			`"body":{"b":1.0,"a":"\u00eb"}}`,
			`{"headers":{"n":[1],"sent-at":"2026-12-31T23:59:59+00:00"},"i":7,"msg":{"b":1.0,"a":"\u00eb"},` +
				`"msg_id":"2026-` + uuid + `","timestamp":1798761599,"topic":"` + topic + `","username":"amqp-bridge"}`},
		{`{"topic":"` + topic + `","id":"2019-` + uuid + `","body":[]}`,
			`{"headers":{},"i":7,"msg":[],"msg_id":"2019-` + uuid + `","timestamp":1798761605,"topic":"` + topic +
				`","username":"amqp-bridge"}`},
		{`{"topic":"` + topic + `","id":"mine","body":null}`,
			`{"headers":{},"i":7,"msg":null,"msg_id":"mine","timestamp":1798761605,"topic":"` + topic +
				`","username":"amqp-bridge"}`},
	} {
		m, err := bus.Decode(bus.Frame{Topic: topic, Payload: []byte(c.payload)}, now)
		if err != nil || !m.Foreign() || m.Bridged() {
			t.Fatalf("%s: %v", c.payload, err)
		}
		got, err := bus.ToFedmsg(m, 7)
		if err != nil || string(got) != c.want {
			t.Errorf("ToFedmsg = %s, %v\nwant %s", got, err, c.want)
		}
		again, err := bus.Decode(bus.Frame{Topic: topic, Payload: got}, now.Add(time.Hour))
		if err != nil || again.Foreign() || !again.Bridged() || again.Mended != nil ||
			!again.Time.Equal(m.Time.Truncate(time.Second)) {
			t.Errorf("decoded: %+v, %v", again, err)
		}
		window := bus.NewDedupWindow(2)
		if window.See(m); window.See(again) != bus.Repeat {
			t.Errorf("%s is not the message that it was", got)
		}
	}
	for payload, want := range map[string]bool{
		`{"msg":{},"msg_id":"2026-` + uuid + `"}`: true, `{"body":{},"id":"2026-` + uuid + `"}`: true,
		`{"body":{},"id":"` + uuid + `"}`: false, `{"msg":{},"msg_id":"2026-1"}`: false,
	} {
		m, err := bus.Decode(bus.Frame{Topic: topic, Payload: []byte(payload)}, now)
		if err != nil || m.FromFedmsg() != want {
			t.Errorf("%s: FromFedmsg %v, %v", payload, !want, err)
		}
	}
}

// FuzzToFedmsg: whatever is foreign has a fedmsg form that is the same message.
func FuzzToFedmsg(f *testing.F) {
	for _, body := range []string{`{}`, `{"a":[1,2.50,null,"\ud83d\ude00"]}`, `1e400`, `"x"`, `[[[]]]`} {
		f.Add([]byte(`{"id":"4b5a3d2c-95a0-4f0e-b1cd-0123456789ab","headers":{"a":1},"body":` + body + `}`))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		now := time.Unix(1_780_000_000, 0)
		m, err := bus.Decode(bus.Frame{Topic: "org.example.x", Payload: payload}, now)
		if err != nil || !m.Foreign() {
			return
		}
		written, err := bus.ToFedmsg(m, 1)
		if err != nil {
			return // it would be too large
		}
		again, err := bus.Decode(bus.Frame{Topic: "org.example.x", Payload: written}, now)
		if err != nil {
			t.Fatalf("%q became %q: %v", payload, written, err)
		}
		if again.ContentHash() != m.ContentHash() {
			t.Fatalf("%q became %q, which says something else", payload, written)
		}
	})
}
