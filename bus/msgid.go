package bus

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"
)

// sameFor is how long what is said again without id, time and counter is taken for a repeat of what was said before.
// Nothing tells the two apart then: a relay may have brought one message twice, or a service said the same again.
const sameFor = 10 * time.Minute

// fillID takes the sender's id, or makes one. One that is made is the same whenever the same message comes again, so
// that a repeat is found: also where a relay has written it anew, or somebody who replays a signed message. Where the
// message says neither time nor counter, its reception counts too, in steps of sameFor. So fillTime comes first.
func (e jsonObject) fillID(m *Message) {
	name := e.idField()
	switch id := e[name].(type) {
	case string:
		if checkID(id) {
			m.ID = id
			return
		}
		if id != "" {
			m.ID = madeID([]byte(id))
			m.mend("%s %s is longer than %d bytes or has control characters; its digest was taken", name, show(id), MaxID)
			return
		}
	case json.Number:
		// A relay may spell a fraction anew, but not a whole number: its text is what the sender calls the message.
		if len(id) <= MaxID && !strings.ContainsAny(string(id), ".eE") {
			m.ID = string(id)
			m.mend("%s was the number %s; its text was taken", name, show(id))
			return
		}
	}
	if m.unread {
		m.ID = "sha256-" + m.ContentHash().String()[:32] // which is needed anyway
	} else {
		content := m.ContentHash()
		// Values that Decode has read have a canonical form.
		rest, _ := Canonical([]any{e[name], e["timestamp"], e["i"], e["username"]})
		m.ID = madeID(content[:], rest, m.span())
	}
	if e[name] != nil || !e.isAMQP() {
		m.mend("%s %s; one was made of the content", name, e.fault(name))
	}
}

// span tells apart what is said at different times by a message that says nothing else; nil for all others. What is
// signed gets none: it may be a replay.
func (m *Message) span() []byte {
	if !m.undated || m.Counter != 0 || m.proof != nil {
		return nil
	}
	return []byte(m.Time.Truncate(sameFor).Format(time.RFC3339))
}

// idField is the name of the field of the id: id in AMQP's form, unless it has a msg_id.
func (e jsonObject) idField() string {
	if id := e["msg_id"]; id == nil || id == "" {
		if !e.has("msg") && (e.has("id") || e.isAMQP() && !e.has("msg_id")) {
			return "id"
		}
	}
	return "msg_id"
}

// CommonID gives what the ids of one message have in common wherever it comes from: the UUID, in lower case. On AMQP a
// message has the id UUID. fedmsg puts the year before it, YYYY-UUID: that of sending or, where a bridge has brought
// the message, that of bridging. So the year tells nothing, and it is left out: a queue, a replay or an archive may
// bring the other one years later. Of an id in another form, which no bridge changes, it is "".
func CommonID(id string) string {
	if year := len(id) - uuidLength - 1; year == 4 && id[year] == '-' && isDigits(id[:year]) {
		id = id[year+1:]
	}
	if len(id) != uuidLength {
		return ""
	}
	for i := range len(id) {
		switch c := id[i] | 0x20; { // letters in lower case; digits and - stay
		case i == 8 || i == 13 || i == 18 || i == 23:
			if id[i] != '-' {
				return ""
			}
		case !isDigit(id[i]) && (c < 'a' || c > 'f'):
			return ""
		}
	}
	return strings.ToLower(id)
}

// uuidLength is the length of a UUID with its hyphens (RFC 9562).
const uuidLength = 36

func isDigits(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' })
}

func checkID(id string) bool { return id != "" && len(id) <= MaxID && !hasControl(id) }

// madeID makes an id of the digest of some text.
func madeID(text ...[]byte) string {
	digest := sha256.New()
	for _, t := range text {
		digest.Write(t) // never fails
	}
	return "sha256-" + hex.EncodeToString(digest.Sum(nil)[:16])
}
