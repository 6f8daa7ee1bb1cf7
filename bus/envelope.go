package bus

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// An Envelope is what the outermost object of a payload says about the message and its publisher, without the body.
type Envelope struct {
	Topic, Username string
	Counter         int64  // i
	Sequence        int64  // seq_id
	Certificate     string // base64, as sent; "" in unsigned messages
}

// Envelope gives the envelope of m.
func (m *Message) Envelope() Envelope {
	e := Envelope{Topic: m.Topic, Username: m.Username, Counter: m.Counter, Sequence: m.Sequence}
	if m.proof != nil {
		e.Certificate = m.proof.Certificate
	}
	return e
}

// PeekEnvelope reads the envelope of a payload fast, and skips the body. It finds no mistakes: a field that is missing
// or cannot be read stays zero. Decode finds them.
func PeekEnvelope(payload []byte) Envelope {
	p := parser{text: payload, left: MaxRead}
	var e Envelope
	if p.peek() != '{' {
		return e
	}
	p.pos++
	for p.peek() == '"' {
		key, err := p.str()
		if err != nil || p.peek() != ':' {
			break
		}
		p.pos++
		if !p.envelopeField(&e, key) || p.peek() != ',' {
			break
		}
		p.pos++
		p.space()
	}
	return e
}

// envelopeField reads or skips the value of key; false: it cannot be read, and nothing after it can.
func (p *parser) envelopeField(e *Envelope, key string) bool {
	var text *string
	switch key {
	case "topic":
		text = &e.Topic
	case "username":
		text = &e.Username
	case "certificate":
		text = &e.Certificate
	case "i":
		return p.counter(&e.Counter)
	case "seq_id":
		return p.counter(&e.Sequence)
	}
	if text == nil {
		return p.skip()
	}
	if *text = ""; p.peek() != '"' {
		return p.skip()
	}
	s, err := p.str()
	*text = s
	return err == nil
}

// counter reads an i or seq_id into n; 0 for one that does not count. false: it cannot be read.
func (p *parser) counter(n *int64) bool {
	*n = 0 // of equal keys the last counts
	if c := p.peek(); c != '-' && !isDigit(c) {
		return p.skip()
	}
	v, err := p.number()
	*n, _ = counter(v)
	return err == nil
}

// skip moves past one value, looking at brackets and quotes only.
func (p *parser) skip() bool {
	for depth := 0; p.pos < len(p.text); p.pos++ {
		switch p.text[p.pos] {
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth < 0 {
				return true // the end of the list or object around the value
			} else if depth == 0 {
				p.pos++
				return true
			}
		case ',':
			if depth == 0 {
				return true
			}
		case '"':
			if !p.skipString() {
				return false
			}
		}
	}
	return false
}

// skipString moves from the opening quote to the closing one.
func (p *parser) skipString() bool {
	for p.pos++; p.pos < len(p.text); p.pos++ {
		switch p.text[p.pos] {
		case '\\':
			p.pos++
		case '"':
			return true
		}
	}
	return false
}

// amqpBridge is the username in the envelopes of fedmsg-migration-tools' bridge from AMQP.
const amqpBridge = "amqp-bridge"

// Publisher names the processes that may share the counter, as closely as an envelope can tell: by the certificate,
// which belongs to one service on one machine; without one by the Unix user and the application, which is the topic's
// first four words. The bridge from AMQP has one counter for the messages of every application.
func (e Envelope) Publisher() string {
	if e.Username == amqpBridge {
		return "bridge " + amqpBridge
	}
	if e.Certificate != "" {
		sum := sha256.Sum256([]byte(e.Certificate))
		return "certificate " + hex.EncodeToString(sum[:8])
	}
	words := strings.SplitN(e.Topic, ".", 5)
	return "user " + clip(e.Username) + " " + clip(strings.Join(words[:min(4, len(words))], "."))
}
