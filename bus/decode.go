package bus

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Decode turns a frame into a Message. now is taken as the message's time where the sender does not say one.
//
// The payload is a UTF-8 JSON object in one of two forms. fedmsg's envelope has topic and msg, and may have timestamp
// (integer or float, seconds), msg_id, i, username and headers. AMQP's form has topic, headers and body, and may have id
// and timestamp. A field that is null counts as absent, one that is not listed here is kept in Payload only. The topic
// must be the frame's. Where the sender gave no id, one is made from the payload: the same bytes give the same id.
//
// An error wraps ErrMalformed and says what is wrong. Decode never panics, whatever the frame holds.
func Decode(f Frame, now time.Time) (*Message, error) {
	if len(f.Payload) > MaxPayload {
		return nil, malformed("payload of %d bytes, at most %d are read", len(f.Payload), MaxPayload)
	}
	if err := CheckTopic(f.Topic); err != nil {
		return nil, err
	}
	e, err := parseEnvelope(f.Payload)
	if err != nil {
		return nil, err
	}
	m := &Message{Topic: f.Topic, Source: f.Source, Payload: f.Payload}
	if err := e.fill(m); err != nil {
		return nil, err
	}
	if err := e.complete(m, now); err != nil {
		return nil, err
	}
	return m, nil
}

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrMalformed}, args...)...)
}

// CheckTopic says whether topic can be a message's: UTF-8, 1 to MaxTopic bytes, no control characters. Its error wraps
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
