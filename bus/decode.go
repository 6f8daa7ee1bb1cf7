package bus

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
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
	return m, e.complete(m, now)
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

// An envelope is the payload's outermost object.
type envelope map[string]any

func parseEnvelope(payload []byte) (envelope, error) {
	v, err := parseJSON(payload, false)
	if err != nil {
		return nil, malformed("%w", err)
	}
	e, ok := v.(map[string]any)
	if !ok {
		return nil, malformed("payload is a JSON %s, not an object", jsonKind(v))
	}
	return e, nil
}

// fill reads the fields into m; every field that is there must be of its type.
func (e envelope) fill(m *Message) error {
	topic, err := field[string](e, "topic")
	if err != nil {
		return err
	}
	if topic != m.Topic {
		return malformed("topic %q in a frame of topic %q", clip(topic), m.Topic)
	}
	if m.Headers, err = field[map[string]any](e, "headers"); err != nil {
		return err
	}
	if m.Username, err = field[string](e, "username"); err != nil {
		return err
	}
	body, isMsg := e["msg"]
	if !isMsg {
		var isBody bool
		if body, isBody = e["body"]; !isBody {
			return malformed("neither msg nor body")
		}
	}
	m.Body = body
	m.Trust = e.trust()
	if err := e.fillCounter(m); err != nil {
		return err
	}
	if err := e.fillID(m, isMsg); err != nil {
		return err
	}
	return e.fillTime(m)
}

func (e envelope) fillCounter(m *Message) error {
	n, err := field[json.Number](e, "i")
	if err != nil || n == "" {
		return err
	}
	if m.Counter, err = n.Int64(); err != nil {
		return malformed("i is %q, not an integer", clip(string(n)))
	}
	return nil
}

func (e envelope) fillID(m *Message, isMsg bool) error {
	names := []string{"msg_id", "id"}
	if isMsg {
		names = names[:1]
	}
	for _, name := range names {
		id, err := field[string](e, name)
		if err != nil {
			return err
		}
		if id != "" {
			m.ID = id
			return checkID(id)
		}
	}
	return nil
}

func checkID(id string) error {
	if len(id) > MaxID || hasControl(id) {
		return malformed("msg_id %q is longer than %d bytes or has control characters", clip(id), MaxID)
	}
	return nil
}

func (e envelope) fillTime(m *Message) error {
	n, err := field[json.Number](e, "timestamp")
	if err != nil {
		return err
	}
	if n == "" {
		m.Time = sentAt(m.Headers)
		return nil
	}
	if m.Time, err = epoch(string(n)); err != nil {
		return malformed("timestamp %q: %w", clip(string(n)), err)
	}
	return nil
}

// sentAt is fedora-messaging's header of that name, RFC 3339; the zero time where there is none that can be read.
func sentAt(headers map[string]any) time.Time {
	text, _ := headers["sent-at"].(string)
	t, err := time.Parse(time.RFC3339, text)
	if err != nil || t.Year() < 1970 || t.Year() > 9999 {
		return time.Time{}
	}
	return t.UTC()
}

// maxEpoch is the end of the year 9999, beyond which times have no RFC 3339 form.
const maxEpoch = 253402300800

// epoch reads seconds since 1970, exact to the nanosecond: two readings of one text give the same time.
func epoch(text string) (time.Time, error) {
	if strings.ContainsAny(text, "eE") {
		f, _ := strconv.ParseFloat(text, 64) // out of range is ±Inf, which the range below refuses
		text = strconv.FormatFloat(f, 'f', -1, 64)
	}
	whole, fraction, _ := strings.Cut(text, ".")
	seconds, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || text[0] == '-' || seconds >= maxEpoch {
		return time.Time{}, errors.New("not within the years 1970 to 9999")
	}
	nanos, err := strconv.Atoi((fraction + "000000000")[:9])
	if err != nil {
		return time.Time{}, errors.New("not a number")
	}
	return time.Unix(seconds, int64(nanos)).UTC(), nil
}

func (e envelope) trust() Trust {
	if e["signature"] == nil {
		return Trust{State: Unsigned, Reason: "the message carries no signature"}
	}
	return Trust{State: Unchecked, Reason: "the message carries a signature, which was not checked"}
}

// complete gives m the id and time that its sender left out. A time of our own is written into the payload, or decoding
// it again would give another; nothing signed is touched by that, since every signer sets a timestamp.
func (e envelope) complete(m *Message, now time.Time) error {
	if m.ID == "" {
		sum := sha256.Sum256(m.Payload)
		m.ID = "sha256-" + hex.EncodeToString(sum[:16])
	}
	if !m.Time.IsZero() {
		return nil
	}
	m.Time = now.UTC()
	return e.rewrite(m)
}

// rewrite sets the payload anew from e and what m knows better.
func (e envelope) rewrite(m *Message) error {
	whole := make(map[string]any, len(e)+4)
	for k, v := range e {
		whole[k] = v
	}
	whole["topic"], whole["msg_id"], whole["timestamp"] = m.Topic, m.ID, epochNumber(m.Time)
	if _, isMsg := e["msg"]; !isMsg {
		whole["body"] = m.Body
	}
	payload, err := json.Marshal(whole) // not Canonical: that would respell the body's floats
	if err != nil {
		return malformed("%w", err)
	}
	if len(payload) > MaxPayload {
		return malformed("payload of %d bytes after completion, at most %d are kept", len(payload), MaxPayload)
	}
	m.Payload = payload
	return nil
}

// epochNumber is t in seconds, written without loss.
func epochNumber(t time.Time) json.Number {
	text := fmt.Sprintf("%d.%09d", t.Unix(), t.Nanosecond())
	return json.Number(strings.TrimSuffix(strings.TrimRight(text, "0"), "."))
}

// field reads a field that must be of type T; the zero T where it is absent or null.
func field[T any](e envelope, name string) (T, error) {
	var none T
	v := e[name]
	if v == nil {
		return none, nil
	}
	t, ok := v.(T)
	if !ok {
		return none, malformed("%s is a JSON %s", name, jsonKind(v))
	}
	return t, nil
}

func jsonKind(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case json.Number:
		return "number"
	case []any:
		return "list"
	}
	return "object"
}

// clip shortens what a stranger sent for an error text.
func clip(s string) string {
	if len(s) > 80 {
		return strings.ToValidUTF8(s[:80], "") + "…"
	}
	return s
}
