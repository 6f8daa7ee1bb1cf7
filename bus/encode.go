package bus

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"
)

// Encode gives the fedmsg envelope of m as a publisher sends it: the canonical JSON of i, msg, msg_id, timestamp (whole
// seconds), topic, and username where it is set. m must have a topic, an id and a time.
func Encode(m *Message) ([]byte, error) {
	if err := CheckTopic(m.Topic); err != nil {
		return nil, err
	}
	if m.ID == "" || m.Time.IsZero() {
		return nil, fmt.Errorf("encode message: no id or no time")
	}
	e := map[string]any{
		"i": m.Counter, "msg": m.Body, "msg_id": m.ID, "timestamp": m.Time.Unix(), "topic": m.Topic,
	}
	if m.Username != "" {
		e["username"] = m.Username
	}
	payload, err := Canonical(e)
	if err != nil {
		return nil, fmt.Errorf("encode message: %w", err)
	}
	if len(payload) > MaxPayload {
		return nil, fmt.Errorf("encode message: %d bytes, at most %d are sent", len(payload), MaxPayload)
	}
	return payload, nil
}

// Given reports whether a field of a message says something: null and "" do not.
func Given(value json.RawMessage) bool {
	text := string(value)
	return text != "" && text != "null" && text != `""`
}

// Says reports whether a field of a message is a text, or a number that is written like it.
func Says(value json.RawMessage, text string) bool {
	var said string
	return string(value) == text || json.Unmarshal(value, &said) == nil && said == text
}

// Added are fields that a message gets beside its own, on its way: its id, say. Its own stay byte for byte.
type Added []byte

// Field adds a text or a number.
func (a Added) Field(name string, value any) Added {
	text, _ := Canonical(value) // of a text and of a number there always is one
	return append(append(a, `,"`+name+`":`...), text...)
}

// Timestamp adds a time as fedmsg does.
func (a Added) Timestamp(t time.Time) Added {
	return a.Field("timestamp", json.Number(strconv.FormatFloat(float64(t.UnixMicro())/1e6, 'f', -1, 64)))
}

// To puts the fields before the end of an object. Of equal keys the last counts.
func (a Added) To(object []byte) []byte {
	if len(a) == 0 {
		return object
	}
	end := bytes.LastIndexByte(object, '}')
	if bytes.HasSuffix(bytes.TrimRight(object[:end], " \t\r\n"), []byte("{")) {
		a = a[1:] // without the comma
	}
	return slices.Concat(object[:end], a, object[end:])
}

// NewID makes a msg_id as fedmsg does: the year of now in its time zone, and a UUID (RFC 9562, version 4) of 16 bytes
// from random.
func NewID(now time.Time, random io.Reader) (string, error) {
	var u [16]byte
	if _, err := io.ReadFull(random, u[:]); err != nil {
		return "", fmt.Errorf("make msg_id: %w", err)
	}
	u[6] = u[6]&0x0F | 0x40
	u[8] = u[8]&0x3F | 0x80
	return fmt.Sprintf("%04d-%x-%x-%x-%x-%x", now.Year(), u[:4], u[4:6], u[6:8], u[8:10], u[10:]), nil
}

// ParseJSON reads one JSON value as Decode reads a body: numbers become json.Number, and the bounds hold.
func ParseJSON(text []byte) (any, error) {
	return parseJSON(text, false)
}

// ParseExact is ParseJSON for what is signed: lone surrogates and NaN are kept, in the form that Canonical takes.
func ParseExact(text []byte) (any, error) {
	return parseJSON(text, true)
}
