package http

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/expression"
	"github.com/notifyd/notifyd/internal/text"
)

// The headers that a message of a webhook gets from us.
const (
	headerAction = "notifyd_action" // what was done, such as opened
	headerProof  = "notifyd_proof"  // how the sender was proved: by a signature of the body, or by a token
)

// message makes a message of a delivery: an envelope around the JSON, which stays as it came but for what is removed.
func (h *hook) message(d delivery, proof string) (draft, error) {
	var body any
	read := json.NewDecoder(bytes.NewReader(d.payload))
	read.UseNumber()
	if err := read.Decode(&body); err != nil {
		return draft{}, notJSON(err)
	}
	if !json.Valid(d.payload) {
		return draft{}, errors.New("no JSON: something follows it")
	}
	if h.private.Text(scope{d.header, body}) != "" {
		return draft{}, errPrivate
	}
	content, err := h.content(d.payload, body)
	if err != nil {
		return draft{}, err
	}
	made := draft{id: h.deliveryID(d, body), topic: h.prefix + h.topic.Topic(scope{d.header, body})}
	made.topic = strings.TrimRight(text.CutBytes(made.topic, maxTopic), ".")
	headers := map[string]any{headerProof: proof}
	for _, name := range h.Headers {
		if v := text.CutBytes(text.OneLine(d.header.Get(name)), maxHeader); v != "" {
			headers[strings.ToLower(name)] = v
		}
	}
	if action := expression.Word(h.action.Text(scope{d.header, body})); action != expression.NoWord {
		headers[headerAction] = action
	}
	envelope, err := bus.Canonical(map[string]any{"headers": headers, "msg_id": made.id, "topic": made.topic,
		"timestamp": h.sent(d, body), "username": h.name})
	if err != nil {
		return draft{}, err
	}
	made.payload = bus.Added(append([]byte(`,"msg":`), content...)).To(envelope)
	m, err := bus.Decode(bus.Frame{Topic: made.topic, Payload: made.payload}, d.now)
	switch {
	case err != nil:
		return draft{}, err
	case m.ID != made.id || m.Body == nil && !bytes.Equal(content, []byte("null")) && len(content) < bus.MaxRead/2:
		return draft{}, errors.New("a message cannot be made of it")
	}
	return made, nil
}

// sent gives when a message was sent: now, or of an envelope what it says, unless that cannot be.
func (h *hook) sent(d delivery, body any) json.Number {
	if fields, _ := body.(map[string]any); h.Envelope && fields != nil {
		said, _ := fields["timestamp"].(json.Number)
		at, err := said.Float64()
		if err == nil && at >= 1 && at <= float64(d.now.Add(clockSkew).Unix()) {
			return said
		}
	}
	return json.Number(strconv.FormatInt(d.now.Unix(), 10))
}

// content gives what the message says: the JSON itself, without what is removed, or of an envelope its msg.
func (h *hook) content(payload []byte, body any) ([]byte, error) {
	if h.Envelope {
		fields, _ := body.(map[string]any)
		msg, ok := fields["msg"]
		if !ok {
			return nil, errors.New("an object with msg was expected")
		}
		body = msg
	}
	removed := false
	for _, path := range h.remove {
		removed = remove(body, path) || removed
	}
	if !conceal(body, h.secrets) && !removed && !h.Envelope {
		return payload, nil
	}
	text, err := bus.Canonical(body)
	if err != nil {
		return nil, fmt.Errorf("no message: %w", err)
	}
	return text, nil
}

// remove takes what is at a path out of v, and reports whether there was something.
func remove(v any, path []string) (removed bool) {
	if path[0] == anywhere {
		removed = remove(v, path[1:])
		for inner := range values(v) {
			removed = remove(inner, path) || removed
		}
		return removed
	}
	if list, ok := v.([]any); ok && path[0] == "*" && len(path) > 1 {
		for _, item := range list {
			removed = remove(item, path[1:]) || removed
		}
		return removed
	}
	m, ok := v.(map[string]any)
	if !ok {
		return false
	}
	inner, found := m[path[0]]
	if len(path) > 1 {
		return found && remove(inner, path[1:])
	}
	delete(m, path[0])
	return found
}

// leastConcealed is the length of a secret that is no word that messages have by chance.
const leastConcealed = 8

// conceal takes a hook's secrets out of the texts in v, and reports whether there was one.
func conceal(v any, secrets []string) (found bool) {
	switch v := v.(type) {
	case []any:
		for i, inner := range v {
			if text, ok := inner.(string); ok {
				v[i] = without(text, secrets)
				found = found || v[i] != inner
				continue
			}
			found = conceal(inner, secrets) || found
		}
	case map[string]any:
		for name, inner := range v {
			if text, ok := inner.(string); ok {
				v[name] = without(text, secrets)
				found = found || v[name] != inner
				continue
			}
			found = conceal(inner, secrets) || found
		}
	}
	return found
}

// without gives a text without secrets.
func without(text string, secrets []string) string {
	for _, secret := range secrets {
		if len(secret) >= leastConcealed {
			text = strings.ReplaceAll(text, secret, "")
		}
	}
	return text
}

// values gives the values in an object or a list.
func values(v any) iter.Seq[any] {
	switch v := v.(type) {
	case []any:
		return slices.Values(v)
	case map[string]any:
		return maps.Values(v)
	}
	return func(func(any) bool) {}
}
