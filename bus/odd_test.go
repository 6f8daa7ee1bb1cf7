package bus_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
)

func TestDecodeReadsTimestamps(t *testing.T) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) // 1767225600
	for text, want := range map[string]time.Time{
		"1504643075":           time.Unix(1504643075, 0),
		"1504643075.0":         time.Unix(1504643075, 0),
		"1.504643075e9":        time.Unix(1504643075, 0),
		"1":                    time.Unix(1, 0),
		"0.1234567891234":      time.Unix(0, 123456789),
		"1795316399":           now.Truncate(time.Second).Add(24*time.Hour - time.Second),
		"1767225600123":        at.Add(123 * time.Millisecond),
		"1767225600123.5":      at.Add(123500 * time.Microsecond),
		"1.767225600e12":       at,
		"1767225600123456":     at.Add(123456 * time.Microsecond),
		"1767225600123456789":  at.Add(123456789),
		`"1767225600"`:         at,
		`"1767225600.5"`:       at.Add(500 * time.Millisecond),
		`" 1767225600000 "`:    at,
		`"2026-01-01T00:00Z"`:  at,
		`"2026-01-01"`:         at,
		`"20260101T000000Z"`:   at,
		`"2026-01-01T01+01"`:   {},
		"1795402801":           {}, // two days ahead
		"4102444800":           {}, // 2100
		"253402300799":         {}, // 9999, and 1978 in milliseconds
		"99999999999":          {},
		"4102444800000":        {}, // 2100 in milliseconds
		"0":                    {},
		"-0":                   {},
		"-1":                   {},
		"-1767225600000":       {},
		"1e-999":               {},
		"1e400":                {},
		"1e999999999":          {},
		"9223372036854775808":  {},
		"NaN":                  {},
		"-Infinity":            {},
		"null":                 {},
		"true":                 {},
		`""`:                   {},
		`"soon"`:               {},
		`"-1"`:                 {},
		`"0x10"`:               {},
		`"1_000"`:              {},
		`"1960-01-01"`:         {},
		`"2100-01-01"`:         {},
		`"10000-01-01"`:        {},
		`[1767225600]`:         {},
		`{"$date":1767225600}`: {},

		`"` + strings.Repeat("1", 4000) + `"`: {},
		strings.Repeat("9", 400000):           {},
	} {
		payload := fmt.Appendf(nil, `{"topic":"t","msg_id":"x","msg":0,"timestamp":%s}`, text)
		m, err := bus.Decode(bus.Frame{Topic: "t", Payload: payload}, now)
		if err != nil {
			t.Errorf("timestamp %.80s: %v", text, err)
			continue
		}
		if want.IsZero() && (!m.Time.Equal(now) || !strings.Contains(mended(m), "the time of reception was taken")) {
			t.Errorf("timestamp %.80s: %s, mended %q, want the time of reception", text, m.Time, m.Mended)
		}
		if !want.IsZero() && !m.Time.Equal(want) {
			t.Errorf("timestamp %.80s: %s, mended %q, want %s", text, m.Time, m.Mended, want)
		}
		if len(mended(m)) > 250 {
			t.Errorf("timestamp %.80s: mended is %d bytes long", text, len(mended(m)))
		}
	}
}

func mended(m *bus.Message) string { return strings.Join(m.Mended, "; ") }

func TestDecodeReadsDates(t *testing.T) {
	at := time.Date(2026, 1, 1, 9, 5, 6, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"2026-01-01T09:05:06Z":            at,
		"2026-01-01T09:05:06+00:00":       at,
		"2026-01-01T10:05:06+01:00":       at,
		"2026-01-01T10:05:06+0100":        at,
		"2026-01-01T10:05:06+01":          at,
		"2026-01-01 10:05:06 +0100":       at,
		"2026-01-01 09:05:06+00":          at,
		"2026-01-01T09:05:06":             at,
		"2026-01-01 09:05:06":             at,
		"2026-01-01t09:05:06z":            at,
		"2026-01-01 09:05:06 UTC":         at,
		"2026-01-01 09:05:06 GMT":         at,
		"2026-01-01T09:05:06.25":          at.Add(250 * time.Millisecond),
		"2026-01-01 09:05:06,25Z":         at.Add(250 * time.Millisecond),
		"2026-01-01T09:05:06.123456789Z":  at.Add(123456789),
		"20260101T090506Z":                at,
		"Thu, 01 Jan 2026 09:05:06 +0000": at,
		"Thu, 1 Jan 2026 10:05:06 +0100":  at,
		"Thu, 01 Jan 2026 09:05:06 GMT":   at,
		"Thu Jan  1 09:05:06 2026":        at,
		"Thu Jan  1 09:05:06 UTC 2026":    at,
		"Thu Jan 1 10:05:06 2026 +0100":   at,
	} {
		for name, payload := range map[string]string{
			"timestamp": `{"topic":"t","msg":0,"msg_id":"x","timestamp":%q}`,
			"sent-at":   `{"topic":"t","body":0,"id":"x","headers":{"sent-at":%q}}`,
		} {
			m := decode(t, "t", fmt.Sprintf(payload, text))
			if !m.Time.Equal(want) {
				t.Errorf("%s %q: %s, mended %q, want %s", name, text, m.Time, m.Mended, want)
			}
			normal := name == "sent-at" && strings.Contains(text, "T") && strings.ContainsAny(text, "Z:") &&
				(strings.HasSuffix(text, "Z") || strings.HasSuffix(text, ":00")) && text[4] == '-'
			if normal != (m.Mended == nil) {
				t.Errorf("%s %q: mended %q", name, text, m.Mended)
			}
		}
	}
}

// odd are messages with odd metadata, each with what is taken and what Mended says.
var odd = []struct {
	payload string
	want    bus.Message // ID, Topic, Time, Counter, Username and Body; ID "" or no Time: made, reception
	mended  []string
}{
	{`{"topic":"t","msg":1,"msg_id":"a","timestamp":1767225600000}`, bus.Message{ID: "a", Time: y2026},
		[]string{"timestamp 1767225600000 was taken for milliseconds"}},
	{`{"topic":"t","msg":1,"msg_id":"a","timestamp":"1767225600.5"}`, bus.Message{ID: "a", Time: y2026.Add(5e8)},
		[]string{`timestamp "1767225600.5" was taken for 2026-01-01T00:00:00.5Z`}},
	{`{"topic":"t","msg":1,"msg_id":"a","timestamp":NaN}`, bus.Message{ID: "a"},
		[]string{`timestamp had no value; the time of reception was taken`}},
	{`{"topic":"t","msg":1,"msg_id":"a","timestamp":false}`, bus.Message{ID: "a"},
		[]string{`timestamp a JSON boolean is no time between 1970 and now; the time of reception was taken`}},
	{`{"topic":"t","msg":1,"msg_id":"a","timestamp":[],"headers":{"sent-at":"2026-01-01T00:00:00Z"}}`,
		bus.Message{ID: "a", Time: y2026},
		[]string{`timestamp a JSON list is no time between 1970 and now; the header sent-at was taken`}},
	{`{"topic":"t","body":1,"id":"a","headers":{"sent-at":"2026-01-01 00:00:00"}}`, bus.Message{ID: "a", Time: y2026},
		[]string{`sent-at "2026-01-01 00:00:00" was taken for 2026-01-01T00:00:00Z`}},
	{`{"topic":"t","body":1,"id":"a","headers":{"sent-at":7e99}}`, bus.Message{ID: "a"},
		[]string{`sent-at 7e99 is no time between 1970 and now; the time of reception was taken`}},
	{`{"topic":"t","msg":1,"timestamp":1767225600}`, bus.Message{Time: y2026},
		[]string{`msg_id was missing; one was made of the content`}},
	{`{"topic":"t","body":1}`, bus.Message{}, nil}, // openSUSE's messages are such
	{`{"topic":"t","body":1,"id":null,"headers":{}}`, bus.Message{}, nil},
	{`{"topic":"t","body":1,"id":[],"timestamp":""}`, bus.Message{},
		[]string{`timestamp "" is no time between 1970 and now; the time of reception was taken`,
			`id was a JSON list; one was made of the content`}},
	{`{"topic":"t","msg":1,"msg_id":"","timestamp":1767225600}`, bus.Message{Time: y2026},
		[]string{`msg_id was empty; one was made of the content`}},
	{`{"topic":"t","msg":1,"msg_id":true,"timestamp":1767225600}`, bus.Message{Time: y2026},
		[]string{`msg_id was a JSON boolean; one was made of the content`}},
	{`{"topic":"t","msg":1,"msg_id":{"$oid":"5"},"timestamp":1767225600}`, bus.Message{Time: y2026},
		[]string{`msg_id was a JSON object; one was made of the content`}},
	{`{"topic":"t","msg":1,"msg_id":1.5,"timestamp":1767225600}`, bus.Message{Time: y2026},
		[]string{`msg_id was a JSON number; one was made of the content`}},
	{`{"topic":"t","msg":1,"msg_id":17,"timestamp":1767225600}`, bus.Message{ID: "17", Time: y2026},
		[]string{`msg_id was the number 17; its text was taken`}},
	{`{"topic":"t","body":1,"id":-17,"timestamp":1767225600}`, bus.Message{ID: "-17", Time: y2026},
		[]string{`id was the number -17; its text was taken`}},
	{`{"topic":"t","msg":1,"msg_id":"a\nb","timestamp":1767225600}`, bus.Message{Time: y2026},
		[]string{`msg_id "a\nb" is longer than 256 bytes or has control characters; its digest was taken`}},
	{`{"topic":"t","msg":1,"msg_id":"a","timestamp":1767225600,"i":"5"}`, bus.Message{ID: "a", Time: y2026},
		[]string{`i was "5", which is no counter; the message counts for none`}},
	{`{"topic":"t","msg":1,"msg_id":"a","timestamp":1767225600,"i":3.0}`, bus.Message{ID: "a", Time: y2026},
		[]string{`i was 3.0, which is no counter; the message counts for none`}},
	{`{"topic":"t","msg":1,"msg_id":"a","timestamp":1767225600,"i":-3}`, bus.Message{ID: "a", Time: y2026},
		[]string{`i was -3, which is no counter; the message counts for none`}},
	{`{"topic":"t","msg":1,"msg_id":"a","timestamp":1767225600,"i":9223372036854775808}`, bus.Message{ID: "a", Time: y2026},
		[]string{`i was 9223372036854775808, which is no counter; the message counts for none`}},
	{`{"topic":"t","i":[3],"msg":1,"msg_id":"a","timestamp":1767225600,"username":"u"}`,
		bus.Message{ID: "a", Time: y2026, Username: "u"},
		[]string{`i was a JSON list, which is no counter; the message counts for none`}},
	{`{"topic":"t","msg":1,"msg_id":"a","timestamp":1767225600,"username":5,"headers":[]}`, bus.Message{ID: "a", Time: y2026},
		[]string{`headers was a JSON list; it was left out`, `username was a JSON number; it was left out`}},
	{`{"msg":1,"msg_id":"a","timestamp":1767225600}`, bus.Message{ID: "a", Time: y2026},
		[]string{`topic was missing; "t" was taken`}},
	{`{"topic":null,"msg":1,"msg_id":"a","timestamp":1767225600}`, bus.Message{ID: "a", Time: y2026},
		[]string{`topic had no value; "t" was taken`}},
	{`{"topic":["t"],"msg":1,"msg_id":"a","timestamp":1767225600}`, bus.Message{ID: "a", Time: y2026},
		[]string{`topic was a JSON list; "t" was taken`}},
	{`{"topic":"t","msg_id":"a","timestamp":1767225600}`, bus.Message{ID: "a", Time: y2026},
		[]string{`msg was missing, and so was body; null was taken`}},
	{`{"topic":"t","msg":null,"body":{"a":"b"},"msg_id":"a","timestamp":1767225600}`,
		bus.Message{ID: "a", Time: y2026, Body: map[string]any{"a": "b"}}, nil},
}

var y2026 = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func TestDecodeMendsWhatIsOdd(t *testing.T) {
	for _, c := range odd {
		m := decode(t, "t", c.payload)
		if c.want.ID != "" && m.ID != c.want.ID || !valid(m.ID) {
			t.Errorf("%s: id %q, want %q", c.payload, m.ID, c.want.ID)
		}
		if c.want.Time.IsZero() {
			c.want.Time = now
		}
		if !m.Time.Equal(c.want.Time) || m.Counter != 0 || m.Username != c.want.Username {
			t.Errorf("%s: %s, i %d, username %q", c.payload, m.Time, m.Counter, m.Username)
		}
		if c.want.Body != nil && !reflect.DeepEqual(m.Body, c.want.Body) {
			t.Errorf("%s: body %v", c.payload, m.Body)
		}
		if !slices.Equal(m.Mended, c.mended) {
			t.Errorf("%s: mended %q\nwant %q", c.payload, m.Mended, c.mended)
		}
		if string(m.Payload) != c.payload {
			t.Errorf("%s: the payload became %s", c.payload, m.Payload)
		}
		again(t, m)
	}
}

// TestMadeIDs shows that an id which is made differs for messages that differ, and stays when a message is repeated.
// What says neither id nor time nor counter is a repeat for some minutes only: a service may say the same again.
func TestMadeIDs(t *testing.T) {
	long := strings.Repeat("x", bus.MaxID+1)
	ids := map[string]string{}
	for _, f := range []bus.Frame{
		{Topic: "t", Payload: []byte(`{"topic":"t","msg":1}`)},
		{Topic: "t", Payload: []byte(`{"topic":"t","msg":2}`)},
		{Topic: "a", Payload: []byte(`{"msg":1}`)},
		{Topic: "b", Payload: []byte(`{"msg":1}`)},
		{Topic: "t", Payload: []byte(`{"topic":"t","msg":1,"msg_id":"` + long + `1"}`)},
		{Topic: "t", Payload: []byte(`{"topic":"t","msg":1,"msg_id":"` + long + `2"}`)},
		{Topic: "t", Payload: []byte(`{"topic":"t","msg":1,"msg_id":true}`)},
		{Topic: "t", Payload: []byte(`{"topic":"t","msg":2,"msg_id":true}`)},
		{Topic: "t", Payload: []byte(`{"topic":"t","msg":1,"timestamp":1700000000}`)},
		{Topic: "t", Payload: []byte(`{"topic":"t","msg":1,"i":7}`)},
		{Topic: "t", Payload: []byte(`{"topic":"t","msg":3,"signature":"s","certificate":"c"}`)},
	} {
		m, err := bus.Decode(f, now)
		if err != nil {
			t.Fatal(err)
		}
		if other, ok := ids[m.ID]; ok || !valid(m.ID) {
			t.Errorf("%s has the id %q, as has %s", f.Payload, m.ID, other)
		}
		ids[m.ID] = string(f.Payload)
		if n, _ := bus.Decode(f, now.Add(time.Minute)); n.ID != m.ID {
			t.Errorf("%s has the ids %q and %q", f.Payload, m.ID, n.ID)
		}
		nothing := !strings.Contains(string(f.Payload), "xxx") && !strings.Contains(string(f.Payload), `"timestamp":1`) &&
			!strings.Contains(string(f.Payload), "signature") && !strings.Contains(string(f.Payload), `"i":`)
		if n, _ := bus.Decode(f, now.Add(time.Hour)); (n.ID != m.ID) != nothing {
			t.Errorf("%s has the ids %q and, an hour later, %q", f.Payload, m.ID, n.ID)
		}
	}
	// A relay writes the same message with other white space: the id must stay where the sender gave one.
	a := decode(t, "t", `{"topic":"t","msg":1,"msg_id":"`+long+`"}`)
	if b := decode(t, "t", `{"topic": "t", "msg": 1, "msg_id": "`+long+`"}`); a.ID != b.ID {
		t.Errorf("ids %q and %q of one long msg_id", a.ID, b.ID)
	}
}

func valid(id string) bool {
	control := func(r rune) bool { return r < 0x20 || r == 0x7f }
	return id != "" && len(id) <= bus.MaxID && !strings.ContainsFunc(id, control)
}

func TestDecodeLeavesTheSignedEnvelope(t *testing.T) {
	m := decode(t, "t", `{"msg":1,"msg_id":5,"timestamp":"1767225600","i":"x","signature":"s","certificate":"c"}`)
	got, err := bus.Canonical(m.Proof().Envelope())
	want := `{"certificate":"c","i":"x","msg":1,"msg_id":5,"signature":"s","timestamp":"1767225600"}`
	if err != nil || string(got) != want {
		t.Errorf("envelope %s, %v; want %s", got, err, want)
	}
}

// FuzzDecode holds Decode and DecodeLine to each other, and to what both promise, whatever comes.
func FuzzDecode(f *testing.F) {
	for _, c := range odd {
		f.Add("t", []byte(c.payload))
	}
	f.Fuzz(func(t *testing.T, topic string, payload []byte) {
		m, err := bus.Decode(bus.Frame{Topic: topic, Payload: payload}, now)
		line, lineErr := bus.DecodeLine(payload, now)
		for _, err := range []error{err, lineErr} {
			if err != nil && !errors.Is(err, bus.ErrMalformed) {
				t.Errorf("error %v does not wrap ErrMalformed", err)
			}
		}
		head := bus.PeekEnvelope(payload)
		if m != nil {
			promised(t, m, head)
		}
		if line != nil {
			promised(t, line, head)
			same, err := bus.Decode(bus.Frame{Topic: line.Topic, Payload: payload}, now)
			if err != nil || !reflect.DeepEqual(same, line) {
				t.Errorf("Decode = %.300v, %v\nDecodeLine = %.300v", same, err, line)
			}
		} else if m != nil {
			t.Errorf("DecodeLine(%q): %v, Decode reads it", payload, lineErr)
		}
	})
}

// promised checks what Decode promises of a message. head is what PeekEnvelope finds in its payload.
func promised(t *testing.T, m *bus.Message, head bus.Envelope) {
	t.Helper()
	again(t, m)
	if !valid(m.ID) || bus.CheckTopic(m.Topic) != nil || m.Counter < 0 {
		t.Errorf("id %q, topic %q, i %d", m.ID, m.Topic, m.Counter)
	}
	if m.Time.Before(time.Unix(0, 0)) || m.Time.After(now.Add(24*time.Hour)) || m.Time.Location() != time.UTC {
		t.Errorf("time %s", m.Time)
	}
	if head.Topic != "" && head.Topic != m.Topic || head.Username != m.Username || head.Counter != m.Counter {
		t.Errorf("head %+v of %+v", head, m)
	}
	for _, line := range m.Mended {
		switch bus.MendedField(line) {
		case "topic", "msg", "headers", "username", "i", "msg_id", "id", "timestamp", "sent-at":
		default:
			t.Errorf("mended %q", line)
		}
		if len(line) > 400 || !valid(line[:min(len(line), bus.MaxID)]) {
			t.Errorf("mended %q", line)
		}
	}
}

// TestDecodeReadsOddReports reads the messages that communities have reported as lost.
func TestDecodeReadsOddReports(t *testing.T) {
	shared(t, "cases/public-reports/timestamp-ms.jsonl")
	files, _ := filepath.Glob(filepath.Join("..", "..", "shared", "cases", "public-reports", "*.jsonl"))
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			m, err := bus.DecodeLine([]byte(line), now)
			if err != nil {
				t.Errorf("%s: %v", filepath.Base(file), err)
			} else if m.Time.Year() < 2010 {
				t.Errorf("%s: %s, mended %q", filepath.Base(file), m.Time, m.Mended)
			}
		}
	}
}
