package datagrepper

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/history"
)

// Record writes a message in the form of /raw, or of /v2/search, as JSON without a line break.
func Record(s history.Selected, v2 bool) ([]byte, error) {
	m, err := s.Message()
	if err != nil { // an older version took what this one does not
		m = &bus.Message{ID: s.MsgID, Topic: s.Topic, Time: s.Time, Payload: s.Payload}
	}
	var e envelope
	_ = json.Unmarshal(s.Payload, &e) // what is no JSON has no content
	o := first(s, m, e)
	if v2 {
		o = second(s, m, e)
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(o); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(text.Bytes(), []byte("\n")), nil
}

// Containing makes a judge of the parameter contains: it reports whether the content of a message has one of the words.
func Containing(list []string) func(context.Context, history.Record) bool {
	words := compileAll(list)
	return func(ctx context.Context, r history.Record) bool {
		return words.within(ctx, r.Payload, true)
	}
}
