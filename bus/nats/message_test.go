package nats

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	natsgo "github.com/nats-io/nats.go"

	"github.com/notifyd/notifyd/bus"
)

var (
	reception = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	stored    = time.Date(2026, 6, 1, 11, 59, 59, 123456789, time.UTC)
)

func meta(sequence uint64, stored time.Time) *natsgo.MsgMetadata {
	return &natsgo.MsgMetadata{Stream: "S", Timestamp: stored, Sequence: natsgo.SequencePair{Stream: sequence}}
}

func decode(t *testing.T, m *natsgo.Msg, meta *natsgo.MsgMetadata) *bus.Message {
	t.Helper()
	f, reason := ServerConfig{Prefix: "in"}.frame(m, meta, reception)
	if reason != "" {
		t.Fatalf("refused as %s", reason)
	}
	d, err := bus.Decode(f, reception)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestFrameKeepsWhatStandsBesideTheBody(t *testing.T) {
	m := decode(t, &natsgo.Msg{Subject: "in.org.example.prod.ferry.crossing", Data: []byte(`{"captain": "zo\u00eb"}`),
		Header: natsgo.Header{
			"Nats-Msg-Id": {"0b0ff2d1-6f3d-4f0c-8f0a-3c5b2f1f8b11"}, "Nats-Expected-Stream": {"S"},
			"fedora_messaging_severity": {"30"}, "fedora_messaging_user_zoe": {"true"}, "sent-at": {"2026-06-01T11:00:00Z"},
			"several": {"a", "b"}, "empty": {},
		}}, meta(1, stored))
	if m.ID != "0b0ff2d1-6f3d-4f0c-8f0a-3c5b2f1f8b11" || m.Topic != "org.example.prod.ferry.crossing" ||
		m.Publisher != "" || !m.Time.Equal(reception.Add(-time.Hour)) || m.Mended != nil {
		t.Errorf("%+v", bus.Message{ID: m.ID, Topic: m.Topic, Publisher: m.Publisher, Time: m.Time, Mended: m.Mended})
	}
	want := map[string]any{
		"fedora_messaging_severity": "30", "fedora_messaging_user_zoe": "true", "sent-at": "2026-06-01T11:00:00Z",
		"several": []any{"a", "b"},
	}
	if !reflect.DeepEqual(m.Headers, want) || !reflect.DeepEqual(m.Body, map[string]any{"captain": "zoë"}) {
		t.Errorf("headers %v, body %v", m.Headers, m.Body)
	}
}

// TestFrameOfABareMessage has neither id nor headers: its number in the stream tells it from another.
func TestFrameOfABareMessage(t *testing.T) {
	bare := func(sequence uint64, at time.Time) *bus.Message {
		return decode(t, &natsgo.Msg{Subject: "in.a.b", Data: []byte(`{"n":1}`)}, meta(sequence, at))
	}
	m := bare(1, stored)
	if m.ID != "nats-S-1-dixp2fpptyxh" || !m.Time.Equal(stored) || m.Undated() || m.Mended != nil {
		t.Errorf("%q at %v, mended %q", m.ID, m.Time, m.Mended)
	}
	for _, other := range []*bus.Message{bare(2, stored), bare(1, stored.Add(1))} {
		if other.ID == m.ID {
			t.Error("two messages have one id")
		}
	}
	if none := bare(1, time.Time{}); !none.Undated() {
		t.Errorf("without any time the time is %v", none.Time)
	}
}

func TestFrameTakesAnEnvelope(t *testing.T) {
	const envelope = `{"i":3,"msg":{"n":1},"msg_id":"2026-x","signature":"c2ln","timestamp":1780000000,"topic":"a.b"}`
	m := decode(t, &natsgo.Msg{
		Subject: "in.a.b", Data: []byte(envelope), Header: natsgo.Header{"Nats-Msg-Id": {"other"}},
	}, meta(1, stored))
	if string(m.Payload) != envelope || m.ID != "2026-x" || m.Counter != 3 || m.Proof() == nil {
		t.Errorf("%+v", m)
	}
}

// FuzzFrame: whatever a publisher says, nothing panics, and what is handed over is the message that was sent: a body
// that is no envelope adds nothing to what stands beside it.
func FuzzFrame(f *testing.F) {
	f.Add("a.b", "id", "name", "value", []byte(`{"a":[1,"x"]}`), int64(1780000000))
	f.Add("a.b", "", "sent-at", "2026-06-01T12:00:00Z", []byte(`1,"id":"forged"`), int64(0))
	f.Add("a.b", "id", "x", "\xff", []byte(`"\\","topic":"x"`), int64(-1))
	f.Add("a.b", "i\x00d", "headers", "}", []byte(`{}}`), int64(1<<62))
	f.Add("a.b", "id", "", "", []byte(`{"msg":{},"msg_id":"2026-x","timestamp":1,"topic":"a.b"}`), int64(1))
	f.Fuzz(func(t *testing.T, subject, id, name, text string, body []byte, at int64) {
		m := &natsgo.Msg{Subject: subject, Data: body, Header: natsgo.Header{"Nats-Msg-Id": {id}, name: {text, text}}}
		fr, reason := ServerConfig{}.frame(m, meta(uint64(at), time.Unix(at, 0)), reception)
		if reason != "" {
			return
		}
		d, err := bus.Decode(fr, reception)
		if err != nil {
			t.Fatalf("handed over what is no message: %v", err)
		}
		if d.Topic != subject {
			t.Fatalf("the topic is %q, want %q", d.Topic, subject)
		}
		if slices.Equal(fr.Payload, body) {
			return // a whole envelope
		}
		if d.Proof() != nil || d.Username != "" || d.Counter != 0 || d.Sequence != 0 {
			t.Fatalf("the body has said what is not its to say: %s", d.Payload)
		}
		if clean := strings.ToValidUTF8(id, "\ufffd"); id != "" && clean == id && len(id) <= bus.MaxID &&
			bus.CheckTopic(id) == nil && d.ID != id && name != "Nats-Msg-Id" {
			t.Fatalf("the id is %q, want %q", d.ID, id)
		}
		if !json.Valid(headers(m.Header, time.Unix(at, 0))) && headers(m.Header, time.Unix(at, 0)) != nil {
			t.Fatal("the headers are no JSON")
		}
	})
}
