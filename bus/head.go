package bus

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
)

// A Head is what the outermost object of a payload says of its publisher: read without decoding the body.
type Head struct {
	Topic, Username string
	Counter         int64
	Certificate     string // base64, as sent; "" in unsigned messages
}

// PeekHead reads the head of a payload, fast and without judging it: what is missing, or cannot be read, stays zero.
// Decode judges.
func PeekHead(payload []byte) Head {
	p := parser{text: payload, left: MaxValues}
	var h Head
	if p.peek() != '{' {
		return h
	}
	p.pos++
	for p.peek() == '"' {
		key, err := p.str()
		if err != nil || p.peek() != ':' {
			break
		}
		p.pos++
		if !p.headField(&h, key) || p.peek() != ',' {
			break
		}
		p.pos++
		p.space()
	}
	return h
}

// headField reads or skips the value of key, and says whether there may be more.
func (p *parser) headField(h *Head, key string) bool {
	var text *string
	switch key {
	case "topic":
		text = &h.Topic
	case "username":
		text = &h.Username
	case "certificate":
		text = &h.Certificate
	case "i":
		v, err := p.value(MaxDepth)
		n, _ := v.(json.Number)
		h.Counter, _ = n.Int64()
		return err == nil
	}
	if text == nil || p.peek() != '"' {
		return p.skip()
	}
	s, err := p.str()
	*text = s
	return err == nil
}

// skip moves past one value by its brackets and quotes alone.
func (p *parser) skip() bool {
	for depth := 0; p.pos < len(p.text); p.pos++ {
		switch p.text[p.pos] {
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth < 0 {
				return true // the end of what is around the value
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

// amqpBridge is the user name that the bridge of fedmsg-migration-tools puts into its envelopes.
const amqpBridge = "amqp-bridge"

// Publisher names the processes that may share h's counter, as closely as a message tells it: its certificate, which is
// one service on one machine, or else the Unix user and the application (the topic's first four words). The bridge from
// AMQP counts what it passes on from every application with one counter.
func (h Head) Publisher() string {
	if h.Username == amqpBridge {
		return "bridge " + amqpBridge
	}
	if h.Certificate != "" {
		sum := sha256.Sum256([]byte(h.Certificate))
		return "certificate " + hex.EncodeToString(sum[:8])
	}
	words := strings.SplitN(h.Topic, ".", 5)
	return "user " + clip(h.Username) + " " + clip(strings.Join(words[:min(4, len(words))], "."))
}
