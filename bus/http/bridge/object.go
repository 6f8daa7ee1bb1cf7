package bridge

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"

	"github.com/notifyd/notifyd/bus"
)

// object gives the payload of a load, byte for byte but for white space, with what it does not say and the other
// notifyd would make anew: topic, id and time. What is signed gets no more than a topic; its id is made of its content
// there as here.
func object(l bus.Load) ([]byte, error) {
	m := l.Message
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(m.Payload, &fields); err != nil {
		body, err := m.RawBody()
		if err != nil {
			return nil, err
		}
		text := appendField([]byte(`{"i":0`), "topic", m.Topic)
		text = appendField(text, "msg_id", l.ID)
		text = append(append(text, `,"msg":`...), body...)
		return append(appendTime(text, m.Time), '}'), nil
	}
	var add []byte
	if !given(fields["topic"]) {
		add = appendField(add, "topic", m.Topic)
	}
	if !given(fields["signature"]) {
		if !given(fields["msg_id"]) && (fields["msg"] != nil || !given(fields["id"])) {
			add = appendField(add, "msg_id", l.ID)
		}
		if m.Undated() {
			add = appendTime(add, m.Time)
		}
	}
	return insert(m.Payload, add, len(fields) > 0), nil
}

// given reports whether a field says something.
func given(value json.RawMessage) bool {
	text := string(value)
	return text != "" && text != "null" && text != `""`
}

func appendField(to []byte, name string, value any) []byte {
	text, _ := bus.Canonical(value) // of a text and of a number there always is one
	return append(append(to, `,"`+name+`":`...), text...)
}

// appendTime writes a time as fedmsg does.
func appendTime(to []byte, t time.Time) []byte {
	return appendField(to, "timestamp", json.Number(strconv.FormatFloat(float64(t.UnixMicro())/1e6, 'f', -1, 64)))
}

// insert puts fields, each behind a comma, before the end of an object. Of equal keys the last counts.
func insert(object, fields []byte, comma bool) []byte {
	if len(fields) == 0 {
		return object
	}
	if !comma {
		fields = fields[1:]
	}
	end := bytes.LastIndexByte(object, '}')
	return append(append(append([]byte(nil), object[:end]...), fields...), object[end:]...)
}
