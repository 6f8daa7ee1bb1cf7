package amqp

import (
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	amqp091 "github.com/rabbitmq/amqp091-go"

	"github.com/notifyd/notifyd/bus"
)

var reception = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// delivery is one as fedora-messaging's publishers make it.
func delivery() amqp091.Delivery {
	return amqp091.Delivery{
		RoutingKey: "org.example.prod.ferry.crossing", MessageId: "0b0ff2d1-6f3d-4f0c-8f0a-3c5b2f1f8b11",
		ContentType: "application/json", ContentEncoding: "utf-8", Priority: 3, UserId: "ferry",
		Headers: amqp091.Table{
			"fedora_messaging_schema": "ferry.crossing", "fedora_messaging_severity": int32(30),
			"fedora_messaging_user_zoe": true, "sent-at": "2026-06-01T11:59:58+00:00", "priority": int64(0),
		},
		Body: []byte(`{"captain": "zo\u00eb"}`),
	}
}

func decode(t *testing.T, d amqp091.Delivery) *bus.Message {
	t.Helper()
	f, reason := frame(&d, reception)
	if reason != "" {
		t.Fatalf("refused as %s", reason)
	}
	m, err := bus.Decode(f, reception)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestFrameKeepsWhatStandsBesideTheBody(t *testing.T) {
	m := decode(t, delivery())
	if m.ID != "0b0ff2d1-6f3d-4f0c-8f0a-3c5b2f1f8b11" || m.Topic != "org.example.prod.ferry.crossing" ||
		m.Publisher != "ferry" || !m.Time.Equal(reception.Add(-2*time.Second)) || m.Mended != nil {
		t.Errorf("%+v", bus.Message{ID: m.ID, Topic: m.Topic, Publisher: m.Publisher, Time: m.Time, Mended: m.Mended})
	}
	want := map[string]any{
		"fedora_messaging_schema": "ferry.crossing", "fedora_messaging_severity": json.Number("30"),
		"fedora_messaging_user_zoe": true, "sent-at": "2026-06-01T11:59:58+00:00", "priority": json.Number("0"),
	}
	if !reflect.DeepEqual(m.Headers, want) || !reflect.DeepEqual(m.Body, map[string]any{"captain": "zoë"}) {
		t.Errorf("headers %v, body %v", m.Headers, m.Body)
	}
	if !strings.Contains(string(m.Payload), `"priority":3`) || !strings.Contains(string(m.Payload), `zo\u00eb`) {
		t.Errorf("payload %s", m.Payload)
	}
}

// TestFrameOfABareMessage is one of openSUSE's: neither id nor headers nor time. It gets the same id each time.
func TestFrameOfABareMessage(t *testing.T) {
	bare := amqp091.Delivery{RoutingKey: "opensuse.obs.package.commit", Body: []byte(`{"project":"home:x"}`)}
	m := decode(t, bare)
	if m.ID == "" || !m.Time.Equal(reception) || !m.Undated() || m.Mended != nil || m.Headers != nil || m.Publisher != "" {
		t.Errorf("%q at %v, mended %q, headers %v, publisher %q", m.ID, m.Time, m.Mended, m.Headers, m.Publisher)
	}
	bare.Redelivered = true
	if again := decode(t, bare); again.ID != m.ID || again.ContentHash() != m.ContentHash() {
		t.Errorf("the same message has the ids %q and %q", m.ID, again.ID)
	}
	bare.Timestamp = time.Unix(1780000000, 0)
	if m := decode(t, bare); !m.Time.Equal(bare.Timestamp) {
		t.Errorf("the property timestamp gives the time %v", m.Time)
	}
}

func TestFrameRefuses(t *testing.T) {
	for _, c := range []struct{ name, topic, body, want string }{
		{"no body", "a.b", "", bus.DroppedText},
		{"blanks", "a.b", " \n", bus.DroppedText},
		{"no JSON", "a.b", "hello", bus.DroppedMalformed},
		{"two values", "a.b", `{} {}`, bus.DroppedText},
		{"two numbers", "a.b", `1 2`, bus.DroppedMalformed},
		{"more fields", "a.b", `{},"id":"forged"`, bus.DroppedText},
		{"more fields and an end", "a.b", `1,"topic":"c.d","x":{"y":1`, bus.DroppedText},
		{"an end of the object", "a.b", `{}},{"x":{}`, bus.DroppedText},
		{"an end in a string", "a.b", `"\"`, bus.DroppedText},
		{"only an end", "a.b", `}`, bus.DroppedText},
		{"brackets that do not fit", "a.b", `[1}`, bus.DroppedMalformed},
		{"not UTF-8", "a.b", "{\"a\":\"\xff\"}", bus.DroppedMalformed},
		{"control characters", "a.b", "\"a\x00\"", bus.DroppedMalformed},
		{"gzip", "a.b", "\x1f\x8b\x08\x00\x00", bus.DroppedMalformed},
		{"empty topic", "", "{}", bus.DroppedTopic},
		{"bad topic", "a\nb", "{}", bus.DroppedTopic},
		{"topic that is not UTF-8", "a\xff", "{}", bus.DroppedTopic},
		{"too large", "a.b", `"` + strings.Repeat("x", bus.MaxPayload) + `"`, bus.DroppedLarge},
		{"too large with its envelope", "a.b", `"` + strings.Repeat("x", bus.MaxPayload-3) + `"`, bus.DroppedLarge},
		{"too deep", "a.b", strings.Repeat("[", 200) + strings.Repeat("]", 200), bus.DroppedMalformed},
		{"a number", "a.b", "17", ""},
		{"a string of brackets", "a.b", `"}]{[,:\""`, ""},
		{"what Python writes", "a.b", `{"n":NaN}`, ""},
	} {
		d := amqp091.Delivery{RoutingKey: c.topic, Body: []byte(c.body)}
		if _, reason := frame(&d, reception); reason != c.want {
			t.Errorf("%s: refused as %q, want %q", c.name, reason, c.want)
		}
	}
}

func TestHeadersOfEveryType(t *testing.T) {
	deep := any("end")
	for range 40 {
		deep = amqp091.Table{"a": []any{deep}}
	}
	d := delivery()
	d.Headers = amqp091.Table{
		"bool": true, "int8": int8(-1), "uint8": uint8(200), "int16": int16(-300), "uint16": uint16(60000),
		"int32": int32(-70000), "uint32": uint32(4e9), "int64": int64(math.MinInt64), "float32": float32(1.5),
		"float64": 1e300, "nan": math.NaN(), "inf": math.Inf(-1), "text": "zo\xff\"\x00<", "bytes": []byte("ok"),
		"raw": []byte{0xff, 0}, "time": time.Unix(1780000000, 0), "decimal": amqp091.Decimal{Scale: 2, Value: -314},
		"nil": nil, "list": []any{int32(1), "x", nil}, "table": amqp091.Table{"k": "v"}, "deep": deep, "odd": struct{}{},
	}
	m := decode(t, d)
	want := map[string]any{
		"bool": true, "int8": json.Number("-1"), "uint8": json.Number("200"), "int16": json.Number("-300"),
		"uint16": json.Number("60000"), "int32": json.Number("-70000"), "uint32": json.Number("4000000000"),
		"int64": json.Number("-9223372036854775808"), "float32": json.Number("1.5"), "float64": json.Number("1e+300"),
		"nan": nil, "inf": nil, "text": "zo\ufffd\"\x00<", "bytes": "ok", "raw": "/wA=", "time": "2026-05-28T20:26:40Z",
		"decimal": json.Number("-314e-2"), "nil": nil, "list": []any{json.Number("1"), "x", nil},
		"table": map[string]any{"k": "v"}, "odd": map[string]any{},
	}
	delete(m.Headers, "deep")
	if !reflect.DeepEqual(m.Headers, want) {
		for name := range want {
			if !reflect.DeepEqual(m.Headers[name], want[name]) {
				t.Errorf("%s: %#v, want %#v", name, m.Headers[name], want[name])
			}
		}
	}
}

func TestPublisherIsNoStrangeText(t *testing.T) {
	for user, want := range map[string]string{"bodhi": "bodhi", "": "", "a\nb": "", "\xff": ""} {
		if got := publisher(&amqp091.Delivery{UserId: user}); got != want {
			t.Errorf("publisher %q of the user id %q, want %q", got, user, want)
		}
	}
}

// FuzzFrame: whatever a publisher says, nothing panics, and what is handed over is the message that was sent: its body
// adds nothing to what stands beside it.
func FuzzFrame(f *testing.F) {
	f.Add("a.b", "id", "user", "name", "value", int64(30), []byte(`{"a":[1,"x"]}`), int64(1780000000))
	f.Add("a.b", "", "", "sent-at", "2026-06-01T12:00:00Z", int64(-1), []byte(`1,"id":"forged"`), int64(0))
	f.Add("a.b", "id", "u", "x", "\xff", int64(0), []byte(`"\\","topic":"x"`), int64(-1))
	f.Add("a.b", "i\x00d", "u", "headers", "}", int64(1<<62), []byte(`{}}`), int64(1<<62))
	f.Fuzz(func(t *testing.T, topic, id, user, name, text string, number int64, body []byte, sent int64) {
		d := amqp091.Delivery{
			RoutingKey: topic, MessageId: id, UserId: user, Timestamp: time.Unix(sent, 0), Body: body,
			Headers: amqp091.Table{name: text, name + "n": number, "t": amqp091.Table{text: []any{number, text}}},
		}
		fr, reason := frame(&d, reception)
		if reason != "" {
			return
		}
		m, err := bus.Decode(fr, reception)
		if err != nil {
			t.Fatalf("handed over what is no message: %v", err)
		}
		if m.Topic != topic || m.Proof() != nil || m.Username != "" || m.Counter != 0 || m.Sequence != 0 {
			t.Fatalf("the body has said what is not its to say: %s", m.Payload)
		}
		if clean := strings.ToValidUTF8(id, "\ufffd"); id != "" && clean == id && len(id) <= bus.MaxID &&
			bus.CheckTopic(id) == nil && m.ID != id {
			t.Fatalf("the id is %q, want %q", m.ID, id)
		}
		alone, err := bus.DecodeLine(slices.Concat([]byte(`{"topic":"x","msg":`), body, []byte("}")), reception)
		if err != nil {
			t.Fatalf("the body alone is no message: %v", err)
		}
		if len(body) < bus.MaxRead/4 && !reflect.DeepEqual(alone.Body, m.Body) {
			t.Fatalf("the body is %v, want %v", m.Body, alone.Body)
		}
	})
}
