package bus_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
)

var now = time.Date(2026, 11, 21, 3, 0, 0, 500, time.UTC)

func decode(t *testing.T, topic, payload string) *bus.Message {
	t.Helper()
	m, err := bus.Decode(bus.Frame{Source: "s", Topic: topic, Payload: []byte(payload)}, now)
	if err != nil {
		t.Fatalf("Decode(%q, %.200q): %v", topic, payload, err)
	}
	return m
}

func TestDecodeReadsEveryField(t *testing.T) {
	payload := `{"topic":"org.example.dev.git.receive","msg":{"n":1,"f":1.0,"big":123456789012345678901234567890},
		"timestamp":1344344053.23372,"msg_id":"2026-1","i":7,"username":"alice","headers":{"a":"b"},"crypto":"x509",
		"signature":"c2ln","certificate":"Y2VydA==","unknown":[1]}`
	m := decode(t, "org.example.dev.git.receive", payload)
	want := &bus.Message{
		ID: "2026-1", Topic: "org.example.dev.git.receive", Time: time.Unix(1344344053, 233720000).UTC(), Counter: 7,
		Username: "alice", Source: "s", Payload: []byte(payload), Headers: map[string]any{"a": "b"},
		Body: map[string]any{
			"n": json.Number("1"), "f": json.Number("1.0"), "big": json.Number("123456789012345678901234567890"),
		},
		Standing: m.Standing,
	}
	if !reflect.DeepEqual(bus.WithoutProof(m), want) {
		t.Errorf("Decode = %+v\nwant %+v", m, want)
	}
	if m.Standing.Verdict != bus.Unchecked || m.Standing.Reason == "" || m.Standing.Signer != "" {
		t.Errorf("standing of an unchecked signature = %+v", m.Standing)
	}
	p := m.Proof()
	if p.Scheme != "x509" || p.Signature != "c2ln" || p.Certificate != "Y2VydA==" || len(p.Envelope()) != 11 {
		t.Errorf("proof = %+v", p)
	}
}

func TestDecodeFillsWhatIsMissing(t *testing.T) {
	a := decode(t, "t", `{"topic":"t","msg":null,"msg_id":null,"username":null,"i":null,"timestamp":1}`)
	b := decode(t, "t", `{"topic":"t","msg":null,"msg_id":null,"username":null,"i":null,"timestamp":2}`)
	if a.ID == "" || a.ID == b.ID || a.ID != decode(t, "t", string(a.Payload)).ID {
		t.Errorf("ids %q and %q are not made from the content", a.ID, b.ID)
	}
	if a.Proof() != nil || a.Standing.Verdict != bus.Unsigned || a.Body != nil || a.Headers != nil {
		t.Errorf("message %+v", a)
	}
	if m := decode(t, "t", `{"topic":"t","msg":1}`); !m.Time.Equal(now) {
		t.Errorf("time %s, want that of reception", m.Time)
	}
	m := decode(t, "t", `{"topic":"t","body":{},"headers":{"sent-at":"2020-02-03T04:05:06+01:00"},"id":"x"}`)
	if m.ID != "x" || !m.Time.Equal(time.Date(2020, 2, 3, 3, 5, 6, 0, time.UTC)) {
		t.Errorf("AMQP message has id %q and time %s", m.ID, m.Time)
	}
}

func TestDecodeRefuses(t *testing.T) {
	deep := strings.Repeat("[", bus.MaxDepth+1) + strings.Repeat("]", bus.MaxDepth+1)
	for _, c := range []struct{ name, topic, payload, want string }{
		{"nothing", "t", "", "unexpected end"},
		{"no JSON", "t", "lub-dub", "unexpected character"},
		{"a list", "t", `[1]`, "JSON list"},
		{"null", "t", `null`, "JSON null"},
		{"a string", "t", `"x"`, "JSON string"},
		{"cut off", "t", `{"topic":"t","msg":{"a":"b`, "string without end"},
		{"trailing text", "t", `{"topic":"t","msg":1} x`, "text after"},
		{"a byte order mark", "t", "\ufeff" + `{"topic":"t","msg":1}`, "unexpected character"},
		{"bytes that are no UTF-8", "t", `{"topic":"t","msg":"` + "\xff" + `"}`, "not UTF-8"},
		{"a surrogate as bytes", "t", `{"topic":"t","msg":"` + "\xed\xa0\x80" + `"}`, "not UTF-8"},
		{"a control character", "t", `{"topic":"t","msg":"` + "\x01" + `"}`, "control character"},
		{"another topic", "t", `{"topic":"u","msg":1}`, `topic "u" in a frame of topic "t"`},
		{"an empty frame topic", "", `{"topic":"","msg":1}`, "empty topic"},
		{"a long topic", strings.Repeat("x", bus.MaxTopic+1), `{}`, "topic of 1025 bytes"},
		{"a frame topic that is no UTF-8", "\xff", `{}`, "not UTF-8"},
		{"a topic with an escape sequence", "a\x1b[2J", `{}`, "control character"},
		{"deep nesting", "t", `{"topic":"t","msg":` + deep + `}`, "nested deeper"},
		{"a large payload", "t", strings.Repeat(" ", bus.MaxPayload+1), "at most"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := bus.Decode(bus.Frame{Topic: c.topic, Payload: []byte(c.payload)}, now)
			if m != nil || !errors.Is(err, bus.ErrMalformed) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Decode = %v, %v; want ErrMalformed with %q", m, err, c.want)
			}
			if err != nil && len(err.Error()) > 400 {
				t.Errorf("error of %d bytes", len(err.Error()))
			}
		})
	}
}

func TestDecodeReadsPythonsJSON(t *testing.T) {
	m := decode(t, "t", `{"topic":"t","msg":1,
		"msg":[NaN,Infinity,-Infinity,"\ud83d","\ud83d\ude00","\ud83d\u0041","\udc00\ud800","\b\f\n\r\t\/\u0000"]}`)
	want := []any{nil, nil, nil, "\uFFFD", "😀", "\uFFFDA", "\uFFFD\uFFFD", "\b\f\n\r\t/\x00"}
	if !reflect.DeepEqual(m.Body, want) {
		t.Errorf("body = %q, want %q", m.Body, want)
	}
}

func TestDecodeReadsFramesOffTheWire(t *testing.T) {
	var captured []struct {
		What   string
		Frames []string
	}
	if err := json.Unmarshal(shared(t, "fedmsg-vectors/wire-frames.json"), &captured); err != nil {
		t.Fatal(err)
	}
	read := 0
	for _, c := range captured {
		if len(c.Frames) != 2 {
			continue // monitoring and websocket, which are other protocols
		}
		m := decode(t, c.Frames[0], c.Frames[1])
		read++
		if signed := strings.Contains(c.Frames[1], "signature"); signed != (m.Standing.Verdict == bus.Unchecked) {
			t.Errorf("%s: trust %+v", c.What, m.Standing)
		}
		if strings.Contains(c.Frames[1], "msg_id") && !strings.HasPrefix(m.ID, "2026-") {
			t.Errorf("%s: id %q", c.What, m.ID)
		}
	}
	if read < 5 {
		t.Errorf("only %d messages read", read)
	}
}

// again checks that a message's payload gives the message again, with the same time of reception.
func again(t testing.TB, m *bus.Message) {
	t.Helper()
	got, err := bus.Decode(bus.Frame{Source: m.Source, Topic: m.Topic, Payload: m.Payload}, now)
	if err != nil {
		t.Fatalf("Decode(%.300q) again: %v", m.Payload, err)
	}
	if !reflect.DeepEqual(got, m) {
		t.Errorf("decoded again = %.300v\nwant %.300v", got, m)
	}
}

func TestPayloadGivesTheMessageAgain(t *testing.T) {
	for _, line := range []string{
		`{"topic":"t","msg":{"a":1.10,"b":[NaN,"\ud83d"]}}`,
		`{"topic":"t","msg":{"a":1.10},"timestamp":1.5,"msg_id":"x"}`,
		`{"topic":"t","headers":{"h":1e5},"body":null}`,
		`{"topic":"t","headers":{"sent-at":"2020-02-03T04:05:06Z"},"body":{"x":-0.0},"id":"y"}`,
		`{"msg":1}`, `{}`, `{"topic":7,"i":"x","timestamp":"no","username":5,"msg_id":[],"headers":0}`,
		`{"topic":"t","timestamp":-1,"body":1,"id":"a\u0000"}`,
	} {
		m, err := bus.DecodeLine([]byte(line), now)
		if err != nil {
			t.Errorf("DecodeLine(%s): %v", line, err)
			continue
		}
		again(t, m)
	}
	m := decode(t, "t", `{"topic":"t","msg":{"a":1.10,"b":NaN},"timestamp":5}`)
	again(t, m)
	if !strings.Contains(string(m.Payload), "NaN") {
		t.Error("the payload is not the bytes as received")
	}
}

func TestDecodeLineReadsTheCorpus(t *testing.T) {
	for _, c := range sharedLines[struct{ Msg json.RawMessage }](t, "corpus/fedora-classic.jsonl") {
		m, err := bus.DecodeLine(c.Msg, now)
		if err != nil {
			t.Fatalf("%v in %.300s", err, c.Msg)
		}
		again(t, m)
	}
	for _, c := range sharedLines[map[string]json.RawMessage](t, "corpus/fedora-modern.jsonl") {
		line, _ := json.Marshal(map[string]json.RawMessage{"topic": c["topic"], "headers": c["headers"], "body": c["body"]})
		m, err := bus.DecodeLine(line, now)
		if err != nil {
			t.Fatalf("%v in %.300s", err, line)
		}
		if m.Body == nil {
			t.Errorf("no body from %.300s", line)
		}
		again(t, m)
	}
}

// FuzzParse compares the JSON reader with encoding/json where both speak the same language.
func FuzzParse(f *testing.F) {
	for _, text := range []string{
		`{"a":[1,-2.5e+3,"\u00e9\ud83d\ude00\n"],"a":{}}`, `[]`, ` 0 `, `-`, `01`, `1.`, `"\x"`, `tru`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := bus.ParseJSON(text)
		d := json.NewDecoder(strings.NewReader(string(text)))
		d.UseNumber()
		var want any
		wantErr := d.Decode(&want)
		if wantErr == nil && d.More() {
			return
		}
		if err == nil && wantErr == nil && !reflect.DeepEqual(got, want) && !strings.Contains(string(text), `\u`) {
			t.Errorf("ParseJSON(%q) = %#v, encoding/json has %#v", text, got, want)
		}
		python := strings.Contains(string(text), "NaN") || strings.Contains(string(text), "Infinity")
		if err == nil && wantErr != nil && !python {
			t.Errorf("ParseJSON(%q) = %#v, encoding/json refuses: %v", text, got, wantErr)
		}
		if err != nil && json.Valid(text) && !strings.Contains(err.Error(), "UTF-8") &&
			!strings.Contains(err.Error(), "nested") {
			t.Errorf("ParseJSON(%q): %v, encoding/json accepts", text, err)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	body := strings.Repeat(`{"name":"bash","arch":["x86_64","aarch64"],"id":123456,"done":true},`, 30)
	payload := []byte(`{"i":5,"msg":{"list":[` + strings.TrimSuffix(body, ",") + `]},"msg_id":"2026-x",` +
		`"timestamp":1504643075,"topic":"org.example.dev.buildsys.build","username":"apache"}`)
	f := bus.Frame{Topic: "org.example.dev.buildsys.build", Payload: payload}
	b.SetBytes(int64(len(payload)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := bus.Decode(f, now); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPeekEnvelope(b *testing.B) {
	payload := []byte(`{"i":5,"msg":{"list":["` + strings.Repeat("x", 2000) +
		`"]},"topic":"org.example.dev.a.b","username":"apache"}`)
	b.SetBytes(int64(len(payload)))
	for b.Loop() {
		if bus.PeekEnvelope(payload).Counter != 5 {
			b.Fatal("not read")
		}
	}
}
