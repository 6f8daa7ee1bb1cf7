package bus

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

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
