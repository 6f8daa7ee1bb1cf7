package http

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	nethttp "net/http"
	"strconv"
	"time"

	"github.com/notifyd/notifyd/bus"
)

// A draft is a message as it was sent, and what was made of it.
type draft struct {
	line    int
	id      string
	topic   string
	payload []byte
	late    bool
}

// maxFaults bounds the faults that one answer names.
const maxFaults = 10

// A filling is what a message gets that its sender did not say.
type filling struct {
	name string // of the sender
	key  string // Idempotency-Key; "" where there is none
	now  time.Time
	id   func() string
	late bool
}

// readObject makes the message of a body that is one JSON object.
func readObject(body []byte, f filling) ([]draft, error) {
	d, err := f.draft(body, f.key)
	if err != nil {
		return nil, faulty([]fault{{1, err.Error()}})
	}
	d.line = 1
	return []draft{d}, nil
}

// readLines makes the messages of JSON Lines: an object a line; empty lines are skipped. One that is alone has the id
// that a body of one object has, since the type is not signed.
func readLines(body []byte, most int, f filling) ([]draft, error) {
	var drafts []draft
	var faults []fault
	number, alone := 0, !bytes.ContainsRune(bytes.TrimSpace(body), '\n')
	for line := range bytes.Lines(body) {
		number++
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		if len(drafts)+len(faults) == most {
			return nil, problemOf(nethttp.StatusRequestEntityTooLarge, "line %d: at most %d messages a request", number, most)
		}
		key := f.key
		if key != "" && !alone {
			key += "-" + strconv.Itoa(number)
		}
		d, err := f.draft(bytes.Clone(line), key)
		if err != nil {
			if faults = append(faults, fault{number, err.Error()}); len(faults) == maxFaults {
				break
			}
			continue
		}
		d.line = number
		drafts = append(drafts, d)
	}
	switch {
	case len(faults) > 0:
		return nil, faulty(faults)
	case len(drafts) == 0:
		return nil, problemOf(nethttp.StatusBadRequest, "the body has no message")
	}
	return drafts, nil
}

// faulty says what is wrong with messages. Nothing of their request was taken.
func faulty(faults []fault) *problem {
	p := problemOf(nethttp.StatusUnprocessableEntity, "line %d: %s; no message was taken",
		faults[0].Line, faults[0].Detail)
	p.Errors = faults
	return p
}

// draft checks a message, and fills in what its sender did not say: the id by key, or a new one, the time and the user.
// What carries a signature stays as it is, since the signature is of all of it.
func (f filling) draft(text []byte, key string) (draft, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		return draft{}, notJSON(err)
	}
	var topic string
	if json.Unmarshal(fields["topic"], &topic) != nil || topic == "" {
		return draft{}, errors.New("topic: a text was expected, such as org.example.prod.wiki.edit")
	}
	if fields["msg"] == nil && fields["body"] == nil {
		return draft{}, errors.New("msg: the content of the message was expected, or body")
	}
	m, err := bus.Decode(bus.Frame{Topic: topic, Payload: text}, f.now)
	if err != nil {
		return draft{}, err
	}
	d := draft{id: m.ID, topic: m.Topic, payload: text, late: f.late}
	if bus.Given(fields["signature"]) {
		return d, nil
	}
	var add bus.Added
	if own := f.ownID(fields, m, key); own != "" {
		d.id = own
		add = add.Field("msg_id", own)
	}
	if m.Undated() && !f.late { // what is late was not sent now
		add = add.Timestamp(f.now)
	}
	if !bus.Given(fields["username"]) {
		add = add.Field("username", f.name)
	}
	d.payload = add.To(text)
	if len(d.payload) > bus.MaxPayload {
		return draft{}, fmt.Errorf("a message of %d bytes, at most %d are taken", len(d.payload), bus.MaxPayload)
	}
	return d, nil
}

// ownID gives the id that a message gets of us; "" where it has one. An id that cannot be one is replaced by what
// Decode has made of it, before what is filled in makes another message of it each time.
func (f filling) ownID(fields map[string]json.RawMessage, m *bus.Message, key string) string {
	switch {
	case !bus.Given(fields["msg_id"]) && (fields["msg"] != nil || !bus.Given(fields["id"])):
		return cmp.Or(key, f.id())
	case !bus.Says(fields["msg_id"], m.ID) && !bus.Says(fields["id"], m.ID):
		return cmp.Or(key, m.ID)
	}
	return ""
}

func notJSON(err error) error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return fmt.Errorf("no JSON: %w at byte %d", err, syntax.Offset)
	}
	return errors.New("a JSON object was expected")
}
