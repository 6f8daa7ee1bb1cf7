package http

import (
	"bytes"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/bus"
)

// FuzzBatch: whatever a body is, each message that comes of it can be decoded, has the id that is answered, and an id,
// a time and a user.
func FuzzBatch(f *testing.F) {
	for _, seed := range []string{
		`{"topic":"a.b","msg":{}}`, "{\"topic\":\"a\",\"body\":1}\n\r\n{\"topic\":\"b\",\"msg\":null,\"msg_id\":\"x\"}",
		`{}`, `[1]`, `{"topic":"a","msg":{},"timestamp":-1,"username":7}`, `{"topic":"a","topic":"b","msg":"\ud800"}`,
		`{"topic":"a","msg":1,"signature":"x"}`, `{"topic":"a","msg":NaN}`, "{\"topic\":\"\xff\",\"msg\":1}",
		`{"topic":"a","id":"","body":{},"headers":{"sent-at":"2026-01-02T03:04:05Z"}}`, strings.Repeat(`{"msg":`, 200),
		`{"topic":"a","msg":{},"msg_id":{"b":1}}`, `{"topic":"a","body":{},"id":1.5}`,
	} {
		f.Add([]byte(seed), "", true)
		f.Add([]byte(seed), "key", false)
	}
	f.Fuzz(func(t *testing.T, body []byte, key string, many bool) {
		fill := filling{name: "ferry", key: key, now: testNow, id: func() string { return "made" }}
		if len(key) > bus.MaxID-8 || strings.ContainsFunc(key, func(r rune) bool { return r < 0x20 || r >= 0x7f }) {
			return
		}
		drafts, err := readObject(body, fill)
		if many {
			drafts, err = readLines(body, 10, fill)
		}
		if err == nil && (len(drafts) == 0 || len(drafts) > 10) {
			t.Fatalf("%d messages of %q", len(drafts), body)
		}
		for _, d := range drafts {
			m, err := bus.Decode(bus.Frame{Topic: d.topic, Payload: d.payload}, testNow)
			if err != nil || m.ID != d.id {
				t.Fatalf("%q became %q: %v, id %q, want %q", body, d.payload, err, m.ID, d.id)
			}
			if m.Proof() == nil && !bytes.Contains(d.payload, []byte(`"signature"`)) && (m.Undated() || m.Username == "" &&
				!bytes.Contains(body, []byte(`"username"`))) {
				t.Errorf("%q became %q", body, d.payload)
			}
		}
	})
}

// FuzzSignatures: whatever a list of signatures is, only the right one is right.
func FuzzSignatures(f *testing.F) {
	f.Add("id", "1780000000", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= v2,x", []byte("{}"))
	f.Add("", "NaN", "v1,", []byte(""))
	f.Add("id", "1780000000.5", strings.Repeat("v1,eA== ", 40), []byte("{}"))
	f.Fuzz(func(t *testing.T, id, at, list string, body []byte) {
		if n := len(standardSignatures(list)); n > maxSignatures {
			t.Errorf("%d signatures", n)
		}
		if signedStandard([][]byte{[]byte("nobody knows this key")}, id, at, list, body, testNow) {
			t.Errorf("id %q, time %q, list %q", id, at, list)
		}
	})
}
