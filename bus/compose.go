package bus

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"
)

// Reasons for which a source whose bus has no envelope refuses a message, beside those of a Meter.
const (
	DroppedText      = "not_json"  // the body is no JSON value
	DroppedMalformed = "malformed" // Decode says that it is no message
)

// Parts are what a bus without an envelope carries beside each other: AMQP, JetStream.
type Parts struct {
	Topic    string
	ID       string // "": none
	Headers  []byte // a JSON object; nil: none
	Priority int    // 0: none
	Body     []byte // as it came
}

// Compose makes the payload of f, the JSON object that Decode reads: topic, id, headers, priority, body. The body is
// embedded as it came. reason says why there is no payload; "" where there is.
func (f *Frame) Compose(parts Parts, now time.Time) (reason string) {
	f.Topic = parts.Topic
	switch reason := f.OutOfBounds(); {
	case reason != "":
		return reason
	case len(parts.Body) > MaxPayload:
		return DroppedLarge
	case !oneValue(parts.Body):
		return DroppedText
	}
	f.Payload = parts.compose()
	return f.refused(now)
}

// refused gives the reason to refuse a frame that is no message; "" for none.
func (f *Frame) refused(now time.Time) string {
	if reason := f.OutOfBounds(); reason != "" {
		return reason
	}
	if _, err := Decode(*f, now); err != nil {
		return DroppedMalformed
	}
	return ""
}

func (p Parts) compose() []byte {
	var b bytes.Buffer
	b.Grow(len(p.Body) + len(p.Headers) + 512)
	b.WriteString(`{"topic":`)
	writeText(&b, p.Topic)
	if p.ID != "" {
		b.WriteString(`,"id":`)
		writeText(&b, p.ID)
	}
	if p.Headers != nil {
		b.WriteString(`,"headers":`)
		b.Write(p.Headers)
	}
	if p.Priority > 0 {
		b.WriteString(`,"priority":` + strconv.Itoa(p.Priority))
	}
	b.WriteString(`,"body":`)
	b.Write(p.Body)
	b.WriteByte('}')
	return b.Bytes()
}

// writeText writes s as JSON. What is not UTF-8 becomes U+FFFD.
func writeText(b *bytes.Buffer, s string) {
	text, _ := json.Marshal(s) // a string has a form always
	b.Write(text)
}

// oneValue reports whether text is one JSON value, as far as brackets and quotation marks tell: it begins no second
// one, and closes nothing that it has not opened. So a body cannot add fields to the object that it is embedded in.
// Whether it is JSON besides, Decode says, which sees the same brackets and marks.
func oneValue(text []byte) bool {
	text = bytes.Trim(text, " \t\r\n")
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth < 0 || depth == 0 && i < len(text)-1 {
				return false
			}
		case ',', ':':
			if depth == 0 {
				return false
			}
		case '"':
			for i++; i < len(text) && text[i] != '"'; i++ {
				if text[i] == '\\' {
					i++
				}
			}
			if i >= len(text) {
				return false // no closing mark
			}
		}
	}
	return depth == 0 && len(text) > 0
}

// ComposeOrTake is Compose for a bus over which whole envelopes come too: a body that is fedmsg's envelope, of the same
// topic, is the payload as it came, so that its signature can be checked. The parts beside it then say nothing.
func (f *Frame) ComposeOrTake(parts Parts, now time.Time) (reason string) {
	f.Topic = parts.Topic
	if len(parts.Body) > MaxPayload || !isEnvelope(parts.Body, parts.Topic) {
		return f.Compose(parts, now)
	}
	f.Payload = parts.Body
	return f.refused(now)
}

// isEnvelope reports whether a payload is an object with the fields that every message of fedmsg has, and this topic.
func isEnvelope(payload []byte, topic string) bool {
	var stated string
	var body, id, time bool
	p := parser{text: payload, left: MaxRead}
	if p.peek() != '{' {
		return false
	}
	p.pos++
	for p.peek() == '"' {
		key, err := p.str()
		if err != nil || p.peek() != ':' {
			return false
		}
		p.pos++
		switch value := p; key {
		case "topic":
			if stated = ""; value.peek() == '"' {
				stated, _ = value.str()
			}
		case "msg":
			body = true
		case "msg_id":
			id = true
		case "timestamp":
			time = true
		}
		if !p.skip() || p.peek() != ',' {
			break
		}
		p.pos++
		p.space()
	}
	return p.pos < len(p.text) && p.peek() == '}' && stated == topic && body && id && time
}
