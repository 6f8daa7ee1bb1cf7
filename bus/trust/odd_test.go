package trust_test

import (
	"encoding/json"
	"sync"
	"testing"

	"github.com/notifyd/notifyd/bus"
)

// TestOddMessagesKeepTheirSignature: what Decode takes for something else is signed as it was sent.
func TestOddMessagesKeepTheirSignature(t *testing.T) {
	p := newPKI(t, "CA")
	s, v := p.signer("app01"), p.verifier()
	for _, odd := range []fields{
		{"timestamp": 1795953600000}, {"timestamp": "1795953600"}, {"timestamp": "2026-11-29T12:00:00Z"},
		{"timestamp": json.Number("1795953600.25")}, {"msg_id": 5}, {"msg_id": nil}, {"msg_id": []any{}}, {"i": "7"},
		{"i": -1}, {"i": json.Number("1e3")}, {"username": 5}, {"headers": "text"}, {"headers": []any{}},
		{"msg": nil, "body": nil}, {"msg": fields{"\ud7ff\U0001f600": fields{}}}, {"msg": "NaN Infinity \\ud83d"},
	} {
		payload := with(t, plain, odd)
		got := expect(t, v, sign(t, s, payload), bus.Signed)
		if got.Signer != "app01" || got.Reason != "" {
			t.Errorf("%s: %+v", payload, got)
		}
	}
	// A message without a time may be a repeat of any age.
	for _, odd := range []fields{{"timestamp": nil}, {"timestamp": 0}, {"timestamp": []any{}}} {
		expect(t, v, sign(t, s, with(t, plain, odd)), bus.Stale)
	}
	// One without a topic may be sent again under any, and nobody has signed that one.
	for _, odd := range []fields{{"topic": nil}, {"topic": ""}, {"topic": 5}} {
		payload := []byte(sign(t, s, with(t, plain, odd)))
		m, err := bus.Decode(bus.Frame{Topic: "org.example.other", Payload: payload}, now)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := v.Judge(m, now); got.Verdict != bus.BodyOnly || got.Reason == "" {
			t.Errorf("%s: %+v", payload, got)
		}
	}
}

// TestManyAtOnce: the cache is shared by goroutines.
func TestManyAtOnce(t *testing.T) {
	p := newPKI(t, "CA")
	v := p.verifier()
	var messages []*bus.Message
	for range 3 {
		messages = append(messages, decode(t, sign(t, p.signer("app01"), plain)))
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for i := range 30 {
				if got, _ := v.Judge(messages[i%3], now); got.Verdict != bus.Signed {
					t.Error(got)
				}
			}
		})
	}
	all.Wait()
}
