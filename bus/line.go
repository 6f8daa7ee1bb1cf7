package bus

import (
	"bytes"
	"encoding/json"
	"time"
)

// NoTopic is the topic of a message that has none, as fedmsg names it.
const NoTopic = "unspecified"

// DecodeLine reads one line of JSON Lines as the tools exchange them: a fedmsg envelope or AMQP's form, as Decode, but
// lenient about what archives lack: no msg or body is null, no topic is NoTopic, and a field of the wrong type counts as
// absent. What is no JSON object is malformed, as is what breaks a bound.
//
// The Message's Payload is the line where Decode reads it alike; otherwise the line completed, so that it does.
func DecodeLine(line []byte, now time.Time) (*Message, error) {
	line = bytes.TrimSpace(line)
	if len(line) > MaxPayload {
		return nil, malformed("line of %d bytes, at most %d are read", len(line), MaxPayload)
	}
	e, err := parseEnvelope(line)
	if err != nil {
		return nil, err
	}
	mended := e.mend()
	topic := e["topic"].(string)
	if err := CheckTopic(topic); err != nil {
		return nil, err
	}
	m := &Message{Topic: topic, Payload: line}
	if err := e.fill(m); err != nil {
		return nil, err
	}
	if err := e.complete(m, now); err != nil {
		return nil, err
	}
	if !mended {
		return m, nil
	}
	if err := e.rewrite(m); err != nil {
		return nil, err
	}
	return m, nil
}

// mend makes e one that fill accepts, and says whether it changed anything.
func (e envelope) mend() bool {
	mended := false
	if topic, _ := e["topic"].(string); topic == "" {
		e["topic"], mended = NoTopic, true
	}
	_, isMsg := e["msg"]
	if _, isBody := e["body"]; !isMsg && !isBody {
		e["msg"], mended = nil, true
	}
	for _, f := range fields {
		if v := e[f.name]; v != nil && !f.ok(v) {
			delete(e, f.name)
			mended = true
		}
	}
	return mended
}

// fields are those that fill is strict about.
var fields = []struct {
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
