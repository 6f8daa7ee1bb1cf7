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

// TestMadeIDOfWhatIsSaidAgain: what says neither time nor counter is another message some minutes later, unless it is
// signed: then it may be a replay, or was posted again, and stays the same for ever.
func TestMadeIDOfWhatIsSaidAgain(t *testing.T) {
	for _, c := range []struct {
		fields string
		same   bool
	}{
		{``, false}, {`,"signature":null`, false}, {`,"i":3`, true}, {`,"timestamp":1795953600`, true},
		{`,"signature":"c2ln"`, true}, {`,"signature":"c2ln","certificate":"Y2VydA=="`, true}, {`,"signature":7`, true},
	} {
		var ids []string
		for _, later := range []int64{0, 3600} {
			f := bus.Frame{Topic: "a.b", Payload: []byte(`{"topic":"a.b","msg":{"x":1}` + c.fields + `}`)}
			m, err := bus.Decode(f, time.Unix(1795953600+later, 0))
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, m.ID)
		}
		if same := ids[0] == ids[1]; same != c.same {
			t.Errorf("with %q the ids are %q", c.fields, ids)
		}
	}
}

// TestCommonID compares the ids of one message on two buses, and ids that are no others' twins.
func TestCommonID(t *testing.T) {
	const uuid = "4b5a3d2c-95a0-4f0e-b1cd-0123456789ab"
	for _, c := range []struct{ id, want string }{
		{uuid, uuid},
		{"2026-" + uuid, uuid},
		{"2019-" + uuid, uuid},
		{"2026-4B5A3D2C-95A0-4F0E-B1CD-0123456789AB", uuid},
		{"4b5a3d2c-95a0-4F0E-b1cd-0123456789AB", uuid},
		{"2026_" + uuid, ""},
		{"202-" + uuid, ""},
		{"20x6-" + uuid, ""},
		{"+026-" + uuid, ""},
		{"2026-2026-" + uuid, ""},
		{"12026-" + uuid, ""},
		{"2026-" + uuid + "~0123456789abcdef", ""},
		{uuid[:35], ""},
		{uuid + " ", ""},
		{"4b5a3d2c095a0-4f0e-b1cd-0123456789ab", ""},
		{"4b5a3d2c\r95a0-4f0e-b1cd-0123456789ab", ""}, // \r is - without one bit
		{"4b5a3d2\x19-95a0-4f0e-b1cd-0123456789ab", ""},
		{"4b5a3d2g-95a0-4f0e-b1cd-0123456789ab", ""},
		{"4b5a3d2c-95a0-4f0e-b1cd-012345678éb", ""},
		{"2026-1", ""}, {"", ""}, {"x", ""},
	} {
		if got := bus.CommonID(c.id); got != c.want {
			t.Errorf("CommonID(%q) = %q, want %q", c.id, got, c.want)
		}
	}
}
