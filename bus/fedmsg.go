package bus

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// Foreign reports whether m is not in fedmsg's form, so that who knows nothing else cannot read it: see ToFedmsg.
func (m *Message) Foreign() bool { return m.amqp && !m.unread }

// FromFedmsg reports whether m has fedmsg's id, YYYY-UUID: whatever brought it, it was sent on fedmsg's bus.
func (m *Message) FromFedmsg() bool { return hasYear(m.ID) && CommonID(m.ID) != "" }

// ToFedmsg gives a Foreign message in fedmsg's form, as fedmsg-migration-tools' bridge from AMQP writes it: msg is the
// body, byte for byte, username says that a bridge has brought it, and i counts what this bridge has brought. A UUID
// gets the year before it, which is that of the message, so that all bridges of ours write the same id. Unlike there
// the time is that of the message too, and the headers stay.
func ToFedmsg(m *Message, i int64) ([]byte, error) {
	id := m.ID
	if CommonID(id) != "" && !hasYear(id) {
		id = fmt.Sprintf("%04d-%s", m.Time.Year(), id)
	}
	headers := m.Headers
	if headers == nil {
		headers = map[string]any{}
	}
	before, err := Canonical(map[string]any{"headers": headers, "i": i})
	if err != nil {
		return nil, fmt.Errorf("write in fedmsg's form: %w", err)
	}
	after, err := Canonical(map[string]any{
		"msg_id": id, "timestamp": m.Time.Unix(), "topic": m.Topic, "username": amqpBridge,
	})
	if err != nil {
		return nil, fmt.Errorf("write in fedmsg's form: %w", err)
	}
	body, err := m.RawBody()
	if err != nil {
		return nil, fmt.Errorf("write in fedmsg's form: %w", err)
	}
	payload := slices.Concat(before[:len(before)-1], []byte(`,"msg":`), body, []byte(","), after[1:])
	if len(payload) > MaxPayload {
		return nil, fmt.Errorf("write in fedmsg's form: %d bytes, at most %d are sent", len(payload), MaxPayload)
	}
	return payload, nil
}

// RawBody gives the body of m as its payload has it, byte for byte, where that is plain JSON.
func (m *Message) RawBody() ([]byte, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(m.Payload, &fields); err != nil { // NaN, which Decode takes for null, or half a surrogate
		if m.unread {
			return nil, errors.New("the payload was too large to be read, and it is no plain JSON")
		}
		return Canonical(m.Body)
	}
	for _, name := range []string{"msg", "body"} {
		if text := fields[name]; text != nil && string(text) != "null" {
			return text, nil
		}
	}
	return []byte("null"), nil
}

func hasYear(id string) bool { return len(id) > 4 && id[4] == '-' && isDigits(id[:4]) }
