package datagrepper

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/history"
)

// source is what answers name as the program that has stored a message, as datanommer does.
const (
	sourceName    = "datanommer"
	sourceVersion = "notifyd"
)

// An envelope is what of a payload goes into an answer as it was received.
type envelope struct {
	Msg         json.RawMessage `json:"msg"`
	Body        json.RawMessage `json:"body"`
	Certificate json.RawMessage `json:"certificate"`
	Signature   json.RawMessage `json:"signature"`
	Crypto      json.RawMessage `json:"crypto"`
}

// message writes a message as datagrepper does.
func (req *request) message(s history.Selected, meta []string) (any, error) {
	m, err := s.Message()
	if err != nil { // an older version took what this one does not
		m = &bus.Message{ID: s.MsgID, Topic: s.Topic, Time: s.Time, Payload: s.Payload}
	}
	var e envelope
	_ = json.Unmarshal(s.Payload, &e) // what is no JSON has no content
	var o arguments
	switch {
	case req.v2:
		o = second(s, m, e)
	case req.Old:
		o = ancient(s, m, e)
	default:
		o = first(s, m, e)
	}
	if len(meta) > 0 {
		o = append(o, argument{"meta", req.meta(s, m, meta)})
	}
	return o, nil
}

// first is the form of /raw in datagrepper 1.
func first(s history.Selected, m *bus.Message, e envelope) arguments {
	return arguments{
		{"i", m.Counter}, {"msg_id", s.MsgID}, {"topic", s.Topic}, {"timestamp", stamp(s.Time)},
		{"certificate", orNull(e.Certificate)}, {"signature", orNull(e.Signature)},
		{"agent_name", nullable(s.Actor)}, {"username", username(s, m, e)}, {"crypto", orNull(e.Crypto)},
		{"msg", content(m, e)}, {"headers", headers(m)}, {"source_name", sourceName},
		{"source_version", sourceVersion}, {"users", list(s.Users)}, {"packages", list(s.Packages)},
	}
}

// ancient is the form of /raw in datagrepper 0.9.
func ancient(s history.Selected, m *bus.Message, e envelope) arguments {
	h := headers(m)
	if h == nil {
		h = map[string]any{}
	}
	return arguments{
		{"certificate", orNull(e.Certificate)}, {"crypto", orNull(e.Crypto)}, {"headers", h}, {"i", m.Counter},
		{"msg", content(m, e)}, {"msg_id", s.MsgID}, {"signature", orNull(e.Signature)},
		{"source_name", sourceName}, {"source_version", sourceVersion}, {"timestamp", stamp(s.Time)},
		{"topic", s.Topic}, {"username", username(s, m, e)},
	}
}

// second is the form of /v2/search.
func second(s history.Selected, m *bus.Message, e envelope) arguments {
	h := make(map[string]any, len(m.Headers)+1)
	for name, value := range m.Headers {
		h[name] = value
	}
	if _, ok := h["sent-at"]; !ok {
		h["sent-at"] = s.Time.Format("2006-01-02T15:04:05.999999-07:00")
	}
	priority, ok := h["priority"]
	if !ok {
		priority = 0
	}
	return arguments{
		{"body", content(m, e)}, {"headers", h}, {"id", s.MsgID}, {"priority", priority}, {"queue", nil},
		{"topic", s.Topic},
	}
}

// body gives the content of a message, as it was received; null where it has none.
func body(payload []byte) json.RawMessage {
	var e envelope
	_ = json.Unmarshal(payload, &e)
	return content(&bus.Message{}, e)
}

// content gives msg, or body where the message came over AMQP.
func content(m *bus.Message, e envelope) json.RawMessage {
	switch {
	case e.Msg != nil && !m.Foreign():
		return e.Msg
	case e.Body != nil:
		return e.Body
	}
	return orNull(e.Msg)
}

// username is the Unix user of a signed message, without which its signature does not hold, and otherwise who did it.
func username(s history.Selected, m *bus.Message, e envelope) any {
	if m.Username != "" || len(e.Signature) > 0 && string(e.Signature) != "null" {
		return nullable(m.Username)
	}
	return nullable(s.Actor)
}

func headers(m *bus.Message) any {
	if m.Headers == nil {
		return nil
	}
	return m.Headers
}

// stamp gives a time in whole seconds, as Python writes a float.
func stamp(t time.Time) json.RawMessage { return json.RawMessage(fmt.Sprintf("%d.0", t.Unix())) }

// float gives a number as Python writes a float; nil: null.
func float(f *float64) json.RawMessage {
	if f == nil {
		return json.RawMessage("null")
	}
	if *f == math.Trunc(*f) {
		return json.RawMessage(strconv.FormatFloat(*f, 'f', 1, 64))
	}
	return json.RawMessage(strconv.FormatFloat(*f, 'f', -1, 64))
}

func orNull(raw json.RawMessage) json.RawMessage {
	if raw == nil {
		return json.RawMessage("null")
	}
	return raw
}

func nullable(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func list(names []string) []string { return append([]string{}, names...) }
