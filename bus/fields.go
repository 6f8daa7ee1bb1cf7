package bus

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/notifyd/notifyd/internal/text"
)

// A jsonObject is the outermost object of a payload: fedmsg's envelope, or AMQP's form. Nobody changes it, since what
// is signed is the envelope as received.
type jsonObject map[string]any

// parseObject reads a payload. unread names the first field that was too large to read; "" where all was read.
func parseObject(payload []byte) (e jsonObject, unread string, err error) {
	if len(payload) > MaxPayload {
		return nil, "", malformed("payload of %d bytes, at most %d are read", len(payload), MaxPayload)
	}
	var v any
	if err = errTooMuch; len(payload) <= MaxRead {
		v, err = parseWithin(payload, false, MaxRead)
	}
	if errors.Is(err, errTooMuch) {
		e, unread, err = readEnds(payload, maxEnd)
		v = map[string]any(e)
	}
	if err != nil {
		return nil, "", malformed("%w", err)
	}
	e, ok := v.(map[string]any)
	if !ok {
		return nil, "", malformed("payload is a JSON %s, not an object", jsonKind(v))
	}
	return e, unread, nil
}

// message makes the Message of a frame whose payload is e, as far as it was read.
func (e jsonObject) message(f Frame, unread string, now time.Time) (*Message, error) {
	m := &Message{
		Topic: f.Topic, Source: f.Source, Payload: f.Payload, Publisher: f.Publisher, Late: f.Late,
		ThirdParty: f.ThirdParty,
		content:    new(content), unread: unread != "", amqp: e.isAMQP(),
	}
	stated, _ := e["topic"].(string)
	switch {
	case stated != "" && stated != f.Topic:
		return nil, malformed("topic %q in a frame of topic %q", clip(stated), f.Topic)
	case stated == "":
		m.mend("topic %s; %q was taken", e.fault("topic"), f.Topic)
	}
	if m.proof = e.proof(m.Payload); m.proof != nil {
		m.proof.TooLarge = m.unread
	}
	m.Standing = m.proof.unchecked()
	e.fillBody(m)
	if m.unread {
		if m.Body == nil || !envelopeFields[unread] {
			unread = "msg"
		}
		m.mend("%s was not read: the message of %d bytes is too large, or has too many values", unread, len(m.Payload))
	}
	m.Headers = typed[map[string]any](e, m, "headers")
	m.Username = typed[string](e, m, "username")
	m.Sequence, _ = counter(e["seq_id"]) // it helps to find what is lost and is no part of the message
	e.fillCounter(m)
	e.fillTime(m, now)
	e.fillID(m)
	return m, nil
}

// fillBody takes msg, or body where there is no msg.
func (e jsonObject) fillBody(m *Message) {
	if m.Body = e["msg"]; m.Body != nil {
		return
	}
	if m.Body = e["body"]; m.Body != nil {
		return
	}
	if !m.unread && !e.has("msg") && !e.has("body") {
		m.mend("msg was missing, and so was body; null was taken")
	}
}

func (e jsonObject) fillCounter(m *Message) {
	v := e["i"]
	if v == nil {
		return
	}
	var ok bool
	if m.Counter, ok = counter(v); !ok {
		m.mend("i was %s, which is no counter; the message counts for none", show(v))
	}
}

// counter gives an i or seq_id that counts: a whole number from 0 on.
func counter(v any) (int64, bool) {
	n, isNumber := v.(json.Number)
	if i, err := n.Int64(); isNumber && err == nil && i >= 0 {
		return i, true
	}
	return 0, false
}

// typed gives a field of type T; the zero T where it is absent, null or of another type.
func typed[T any](e jsonObject, m *Message, name string) T {
	v := e[name]
	t, ok := v.(T)
	if !ok && v != nil {
		m.mend("%s was a JSON %s; it was left out", name, jsonKind(v))
	}
	return t
}

// isAMQP reports whether e has AMQP's form. There the id and the time are properties of the delivery, which many
// senders do not set; every envelope of fedmsg has both.
func (e jsonObject) isAMQP() bool { return !e.has("msg") && e.has("body") }

func (e jsonObject) has(name string) bool { _, ok := e[name]; return ok }

// fault says why a field cannot be used.
func (e jsonObject) fault(name string) string {
	v, ok := e[name]
	switch {
	case !ok:
		return "was missing"
	case v == nil:
		return "had no value" // null, NaN or Infinity
	case v == "":
		return "was empty"
	}
	return "was a JSON " + jsonKind(v)
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

// clip shortens text of unknown length for people.
func clip(s string) string { return text.ElideBytes(s, 80) }
