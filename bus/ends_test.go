package bus_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/bus"
)

// tooMuch are bodies that cost more to read than MaxRead.
func tooMuch() map[string]string {
	fields := make([]string, 400_000)
	for i := range fields {
		fields[i] = fmt.Sprintf(`"key%d":1`, i)
	}
	return map[string]string{
		"many keys":      `{` + strings.Join(fields, ",") + `}`,
		"many numbers":   `[` + strings.Repeat("1,", 40_000) + `1]`,
		"many floats":    `[` + strings.Repeat("1e5,", 10_000) + `1]`,
		"a long text":    `"` + strings.Repeat(`\"]}`, bus.MaxRead/4) + `"`,
		"a long number":  strings.Repeat("7", bus.MaxRead),
		"many blanks":    strings.Repeat(" ", bus.MaxRead) + "1",
		"no JSON at all": `{` + strings.Repeat("]", bus.MaxRead) + `}`,
	}
}

func TestDecodeReadsTheEndsOfWhatIsTooLarge(t *testing.T) {
	for name, body := range tooMuch() {
		for form, c := range map[string]struct{ payload, field string }{
			"sorted": {`{"certificate":"c","i":7,"msg":%s,"msg_id":"x","signature":"s","timestamp":1767225600,"topic":"t",` +
				`"username":"u\"\\"} `, "msg"},
			"msg last":      {`{"topic":"t","msg_id":"x","certificate":"c","i":7,"timestamp":1767225600,"username":"u\"\\","msg":%s}`, "msg"},
			"msg first":     {` { "msg" : %s , "topic":"t" , "msg_id" : "x","certificate":"c", "i":7,"timestamp":1767225600,"username":"u\"\\" }`, "msg"},
			"AMQP":          {`{"body":%s,"certificate":"c","i":7,"headers":{"sent-at":"2026-01-01T00:00:00Z","a":[{"}":"{"}]},"id":"x","topic":"t","username":"u\"\\"}`, "msg"},
			"headers":       {`{"certificate":"c","headers":%s,"i":7,"msg":{"a":1},"msg_id":"x","timestamp":1767225600,"topic":"t","username":"u\"\\"}`, "headers"},
			"unknown field": {`{"certificate":"c","i":7,"msg_id":"x","x":%s,"timestamp":1767225600,"topic":"t","username":"u\"\\"}`, "msg"},
			"twice": {`{"topic":"no","i":7,"msg_id":"no","certificate":"no","msg":%s,"certificate":"c","msg_id":"no",` +
				`"msg_id":"x","timestamp":1767225600,"topic":"t","username":"u\"\\"}`, "msg"},
		} {
			payload := fmt.Sprintf(c.payload, body)
			m := decode(t, "t", payload)
			if m.ID != "x" || m.Counter != 7 || !m.Time.Equal(y2026) || m.Username != `u"\` || string(m.Payload) != payload {
				t.Errorf("%s, %s: id %q, i %d, %s, username %q", name, form, m.ID, m.Counter, m.Time, m.Username)
			}
			want := fmt.Sprintf("%s was not read: the message of %d bytes is too large, or has too many values", c.field, len(payload))
			if !slices.Equal(m.Mended, []string{want}) {
				t.Errorf("%s, %s: mended %q\nwant %q", name, form, m.Mended, want)
			}
			if read := form == "headers"; read != (m.Body != nil) {
				t.Errorf("%s, %s: body %.100v", name, form, m.Body)
			}
			if p := m.Proof(); p == nil || !p.TooLarge || p.Certificate != "c" || m.Standing.Verdict != bus.Unchecked ||
				!strings.Contains(m.Standing.Reason, "too large") {
				t.Errorf("%s, %s: proof %+v, standing %+v", name, form, p, m.Standing)
			}
			again(t, m)
		}
	}
}

// TestDecodeReadsManyFieldsAtTheEnds cuts the fields of the envelope at every byte.
func TestDecodeReadsManyFieldsAtTheEnds(t *testing.T) {
	fields := strings.Repeat(`"\u0061\"b" : 1e5 , `, 60_000)
	for cut := range 25 {
		blanks := strings.Repeat(" ", cut)
		m := decode(t, "t", `{"msg_id":"x",`+blanks+`"timestamp":1767225600,`+fields+`"topic":"t"`+blanks+`}`)
		if m.ID != "x" || !m.Time.Equal(y2026) || len(m.Mended) != 1 || m.Body != nil {
			t.Errorf("after %d blanks: id %q, %s, mended %q", cut, m.ID, m.Time, m.Mended)
		}
	}
}

func TestWhatIsTooLargeIsToldApart(t *testing.T) {
	ids := map[string]bool{}
	hashes := map[bus.ContentHash]bool{}
	for _, body := range tooMuch() {
		for _, topic := range []string{"t", "u"} {
			m := decode(t, topic, `{"msg":`+body+`}`)
			if ids[m.ID] || hashes[m.ContentHash()] || !valid(m.ID) {
				t.Errorf("the id %q or hash is that of another message", m.ID)
			}
			ids[m.ID], hashes[m.ContentHash()] = true, true
		}
	}
}

func TestDecodeRefusesWhatIsTooLargeAndNoObject(t *testing.T) {
	large := strings.Repeat("x", bus.MaxRead)
	for _, payload := range []string{
		large, `[` + large, `{"a":"` + large, `{"a":"` + large + `"} x`, `{a:"` + large + `"}`,
		`{"topic":"u","a":"` + large + `"}`, `{"a":"` + large + `","topic":"u"}`,
		`{"a":"` + large + `","topic":"` + "\xff" + `"}`, `{"topic":"` + "\xff" + `","a":"` + large + `"}`,
		strings.Repeat(" ", bus.MaxRead) + `{"topic":"t","msg":1}`, `{"a":"` + large + `","topic":tru}`, `{` + large + `}`,
	} {
		if m, err := bus.Decode(bus.Frame{Topic: "t", Payload: []byte(payload)}, now); err == nil {
			t.Errorf("%.30q … %.30q: %.200v", payload, payload[len(payload)-20:], m)
		}
	}
}

// FuzzEnds compares what is read at the ends with what is read of the whole, for objects of JSON.
func FuzzEnds(f *testing.F) {
	for _, payload := range []string{
		`{"topic":"t","msg":{"a":"\"}"},"i":-1.5e3,"username":"u\\","headers":{"a":[{}]},"id":null}`,
		` { "msg" : "\\\"" , "msg" : [ "]" ] , "topic":"\u0074" } `, `{"body":[[[["{"]]]],"x":"\\\\\\\\","timestamp":17}`, `{}`,
	} {
		f.Add([]byte(payload), 20)
	}
	f.Fuzz(func(t *testing.T, payload []byte, end int) {
		if end < 1 {
			return
		}
		e, _, err := bus.ReadEnds(payload, end)
		whole, wholeErr := bus.ParseJSON(payload)
		object, isObject := whole.(map[string]any)
		if wholeErr != nil || !isObject || !json.Valid(payload) {
			return
		}
		if err != nil && end > 100 && len(object) > 0 {
			t.Errorf("ReadEnds(%q, %d): %v", payload, end, err)
		}
		for name, v := range e {
			twice := strings.Count(string(payload), `"`+name+`"`) != 1 // the last may be where nothing is read
			if v != nil && !twice && !reflect.DeepEqual(v, object[name]) {
				t.Errorf("ReadEnds(%q, %d): %s is %v, want %v", payload, end, name, v, object[name])
			}
		}
		if len(payload) < end && len(object) > 1 && !reflect.DeepEqual(e["topic"], object["topic"]) {
			t.Errorf("ReadEnds(%q, %d) = %v", payload, end, e)
		}
	})
}
