package bus

import (
	"encoding/json"

	"github.com/notifyd/notifyd/internal/text"
)

// A jsonObject is the outermost object of a payload: fedmsg's envelope, or AMQP's form.
type jsonObject map[string]any

func parseObject(payload []byte) (jsonObject, error) {
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

// fill sets m from the fields; every field that is there must be of its type.
func (e jsonObject) fill(m *Message) error {
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
	m.Sequence = e.sequence()
	m.proof = e.proof(m.Payload)
	m.Standing = m.proof.unchecked()
	if err := e.fillCounter(m); err != nil {
		return err
	}
	if err := e.fillID(m, isMsg); err != nil {
		return err
	}
	return e.fillTime(m)
}

func (e jsonObject) fillCounter(m *Message) error {
	n, err := field[json.Number](e, "i")
	if err != nil || n == "" {
		return err
	}
	if m.Counter, err = n.Int64(); err != nil {
		return malformed("i is %q, not an integer", clip(string(n)))
	}
	return nil
}

// sequence reads seq_id, which helps to find what is lost and is no part of the message: one that is odd is none.
func (e jsonObject) sequence() int64 {
	n, _ := e["seq_id"].(json.Number)
	i, err := n.Int64()
	if err != nil {
		return 0
	}
	return max(0, i)
}

func (e jsonObject) fillID(m *Message, isMsg bool) error {
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

func (e jsonObject) fillTime(m *Message) error {
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

// field gives a field that must be of type T; the zero T where it is absent or null.
func field[T any](e jsonObject, name string) (T, error) {
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

// clip shortens text of unknown length for an error.
func clip(s string) string { return text.ElideBytes(s, 80) }
