package bus

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Decode turns a frame into a Message. now becomes its time where the sender gave none.
//
// The payload is a UTF-8 JSON object in one of two forms. fedmsg's envelope has topic and msg, and may have timestamp
// (seconds since 1970, integer or float), msg_id, i, username and headers. AMQP's form has topic, headers and body, and
// may have id and timestamp. A field that is null counts as absent. A field that is not listed here stays in Payload
// and goes nowhere else. The topic must be the frame's. Where the sender gave no id, one is made of the payload: the
// same bytes give the same id.
//
// An error wraps ErrMalformed and names the fault. Decode never panics, whatever the frame holds.
func Decode(f Frame, now time.Time) (*Message, error) {
	if len(f.Payload) > MaxPayload {
		return nil, malformed("payload of %d bytes, at most %d are read", len(f.Payload), MaxPayload)
	}
	if err := CheckTopic(f.Topic); err != nil {
		return nil, err
	}
	e, err := parseObject(f.Payload)
	if err != nil {
		return nil, err
	}
	m := &Message{
		Topic: f.Topic, Source: f.Source, Payload: f.Payload, Publisher: f.Publisher, Late: f.Late,
		content: new(content),
	}
	if err := e.fill(m); err != nil {
		return nil, err
	}
	if err := e.fillIn(m, now); err != nil {
		return nil, err
	}
	return m, nil
}

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrMalformed}, args...)...)
}

// CheckTopic checks that a topic is UTF-8 of 1 to MaxTopic bytes, without control characters. Its error wraps
// ErrMalformed.
func CheckTopic(topic string) error {
	switch {
	case topic == "":
		return malformed("empty topic")
	case len(topic) > MaxTopic:
		return malformed("topic of %d bytes, at most %d are read", len(topic), MaxTopic)
	case !utf8.ValidString(topic):
		return malformed("topic is not UTF-8")
	case hasControl(topic):
		return malformed("control character in topic %q", topic)
	}
	return nil
}

func hasControl(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r == 0x7F })
}

// NoTopic is the topic of a message that has none, as fedmsg names it.
const NoTopic = "unspecified"

// DecodeLine reads one line of JSON Lines, the format in which the tools exchange messages: a fedmsg envelope or AMQP's
// form, as in Decode. It repairs what archives lack: a missing msg or body becomes null, a missing topic NoTopic, and a
// field of the wrong type counts as absent. A line that is no JSON object is malformed, and so is one out of bounds.
//
// Payload is the line where Decode makes the same Message of it, and otherwise the line as repaired.
func DecodeLine(line []byte, now time.Time) (*Message, error) {
	line = bytes.TrimSpace(line)
	if len(line) > MaxPayload {
		return nil, malformed("line of %d bytes, at most %d are read", len(line), MaxPayload)
	}
	e, err := parseObject(line)
	if err != nil {
		return nil, err
	}
	repaired := e.repair()
	topic := e["topic"].(string)
	if err := CheckTopic(topic); err != nil {
		return nil, err
	}
	m := &Message{Topic: topic, Payload: line, content: new(content)}
	if err := e.fill(m); err != nil {
		return nil, err
	}
	if err := e.fillIn(m, now); err != nil {
		return nil, err
	}
	if !repaired {
		return m, nil
	}
	if err := e.rewrite(m); err != nil {
		return nil, err
	}
	return m, nil
}

// repair makes e one that fill accepts, and reports whether it changed anything.
func (e jsonObject) repair() bool {
	repaired := false
	if topic, _ := e["topic"].(string); topic == "" {
		e["topic"], repaired = NoTopic, true
	}
	_, isMsg := e["msg"]
	if _, isBody := e["body"]; !isMsg && !isBody {
		e["msg"], repaired = nil, true
	}
	for _, f := range checkedFields {
		if v := e[f.name]; v != nil && !f.ok(v) {
			delete(e, f.name)
			repaired = true
		}
	}
	return repaired
}

// checkedFields are those that fill takes in one type only.
var checkedFields = []struct {
	name string
	ok   func(any) bool
}{
	{"headers", is[map[string]any]},
	{"i", func(v any) bool { n, ok := v.(json.Number); _, err := n.Int64(); return ok && err == nil }},
	{"id", isID},
	{"msg_id", isID},
	{"timestamp", func(v any) bool { n, ok := v.(json.Number); _, err := epoch(string(n)); return ok && err == nil }},
	{"username", is[string]},
}

func is[T any](v any) bool { _, ok := v.(T); return ok }

func isID(v any) bool { s, ok := v.(string); return ok && checkID(s) == nil }
