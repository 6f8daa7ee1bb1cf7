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
)

// fillIn sets the id and the time of m where its sender gave none. A time of our own is written into the payload too,
// or decoding that again would give another. It breaks no signature, since every signer sets a timestamp.
func (e jsonObject) fillIn(m *Message, now time.Time) error {
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

// rewrite sets the payload to e with the topic, id and time of m.
func (e jsonObject) rewrite(m *Message) error {
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
		return malformed("payload of %d bytes after it was filled in, at most %d are kept", len(payload), MaxPayload)
	}
	m.Payload = payload
	return nil
}

// epochNumber is t in seconds since 1970, without loss.
func epochNumber(t time.Time) json.Number {
	text := fmt.Sprintf("%d.%09d", t.Unix(), t.Nanosecond())
	return json.Number(strings.TrimSuffix(strings.TrimRight(text, "0"), "."))
}

// sentAt reads fedora-messaging's header sent-at (RFC 3339); the zero time where it is missing or cannot be read.
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

// epoch reads seconds since 1970, to the nanosecond and without rounding: one text always gives one time.
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
