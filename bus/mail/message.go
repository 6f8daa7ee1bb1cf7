package mail

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/expression"
	"github.com/notifyd/notifyd/internal/text"
)

// Options are what a site says about the messages of mails.
type Options struct {
	// Prefix is before the topics, such as org.example.prod. "": none.
	Prefix string
	// Require are expressions that must have something, whatever the mapping.
	Require []string
	Now     time.Time
}

// A Draft is the message of a mail.
type Draft struct {
	ID, Topic string
	// Payload is the message in the form of fedmsg: an object with topic, msg_id, msg, headers and the time.
	Payload []byte
}

// An Outcome is what became of a mail.
type Outcome struct {
	// Draft is its message; nil where it became none.
	Draft *Draft
	// Mapping is the name of the one that took it.
	Mapping string
	// Reason is why it became no message.
	Reason string
	// Passed are the mappings that did not take it, in order, each with the reason.
	Passed []Passed
}

// Passed is a mapping that did not take a mail.
type Passed struct{ Mapping, Reason string }

// The headers that a message of a mail has.
const (
	headerMapping = "notifyd_mapping"
	headerProof   = "notifyd_proof"
)

const (
	// idPrefix is before each id, so that no mail takes that of a message of another bus.
	idPrefix = "mail:"
	longID   = 200
	maxTopic = min(bus.MaxTopic, 255)
	// mostAhead is how far ahead of the clock a date may be. Others count as none.
	mostAhead = time.Hour
)

// Message makes the message of a mail by the first mapping that takes it. Its error is one of the options.
func (all Mappings) Message(m *Mail, o Options) (Outcome, error) {
	var require []condition
	for _, source := range o.Require {
		e, err := expression.Parse(source, Kinds)
		if err != nil {
			return Outcome{}, fmt.Errorf("require: %w", err)
		}
		require = append(require, condition{e, source})
	}
	if reason := m.loop(); reason != "" {
		return Outcome{Reason: reason}, nil
	}
	if source := lacking(m, require); source != "" {
		return Outcome{Reason: "it lacks what is required: " + source}, nil
	}
	out := Outcome{Reason: "no mapping takes it"}
	for _, one := range all {
		reason := one.passes(m)
		if reason == "" {
			draft, err := one.draft(m, o)
			if err == nil {
				out.Draft, out.Mapping, out.Reason = draft, one.name, ""
				return out, nil
			}
			reason = err.Error()
		}
		out.Passed = append(out.Passed, Passed{one.name, reason})
	}
	return out, nil
}

// lacking gives the first condition that has nothing; "" where all have something.
func lacking(m *Mail, all []condition) string {
	for _, c := range all {
		if c.Text(m) == "" {
			return c.source
		}
	}
	return ""
}

// passes gives why a mapping does not take a mail; "" where it does.
func (p *mapping) passes(m *Mail) string {
	if p.named {
		return "it is asked only where it is named"
	}
	if by := m.Header("Auto-Submitted"); !p.automatic && automatic(by) {
		return "a program has written the mail: Auto-Submitted: " + text.ElideBytes(by, 40)
	}
	if source := lacking(m, p.when); source != "" {
		return "nothing is there: " + source
	}
	for _, c := range p.unless {
		if c.Text(m) != "" {
			return "something is there: " + c.source
		}
	}
	return ""
}

// draft makes the message.
func (p *mapping) draft(m *Mail, o Options) (*Draft, error) {
	made := &Draft{ID: p.messageID(m), Topic: p.topic.Topic(m)}
	if o.Prefix != "" {
		made.Topic = o.Prefix + "." + made.Topic
	}
	made.Topic = strings.TrimRight(text.CutBytes(made.Topic, maxTopic), ".")
	body := p.fields.of(m)
	if body == nil {
		return nil, fmt.Errorf("all fields are empty")
	}
	envelope := map[string]any{"topic": made.Topic, "msg_id": made.ID, "msg": body,
		"headers": map[string]any{headerMapping: p.name, headerProof: "mail"}}
	if at := m.Date(); !at.IsZero() && at.Before(o.Now.Add(mostAhead)) {
		envelope["timestamp"] = json.Number(strconv.FormatInt(at.Unix(), 10))
	}
	payload, err := bus.Canonical(envelope)
	if err != nil {
		return nil, err
	}
	made.Payload = payload
	read, err := bus.Decode(bus.Frame{Topic: made.Topic, Payload: payload}, o.Now)
	switch {
	case err != nil:
		return nil, err
	case read.ID != made.ID || read.Body == nil:
		return nil, fmt.Errorf("a message cannot be made of it")
	}
	return made, nil
}

// messageID gives the id of the message: of equal mails, however often and on whatever way they come, the same.
func (p *mapping) messageID(m *Mail) string {
	id := p.id.Text(m)
	if id == "" {
		id = m.ID()
	}
	if len(id) > longID {
		sum := sha256.Sum256([]byte(id))
		id = "sha256-" + hex.EncodeToString(sum[:16])
	}
	return idPrefix + id
}

var _ expression.Scope = (*Mail)(nil)
