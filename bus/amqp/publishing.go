package amqp

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	amqp091 "github.com/rabbitmq/amqp091-go"

	"github.com/notifyd/notifyd/bus"
)

// Reasons for which a load is refused: AMQP has no room for it, whoever asks.
const (
	RefusedTopic   = "topic_too_long" // over 255 bytes
	RefusedID      = "id_too_long"    // over 255 bytes
	RefusedHeaders = "headers"        // more than one frame holds, or a name over 255 bytes
	RefusedUnread  = "unread"         // the payload is so large that it was not read, and is no JSON in between
)

// The headers of fedora-messaging.
const (
	ofSchema   = "fedora_messaging_schema"
	ofSeverity = "fedora_messaging_severity"
	ofUser     = "fedora_messaging_user_"
	ofPackage  = "fedora_messaging_rpm_"
	ofGroup    = "fedora_messaging_group_"
	ofSentAt   = "sent-at"
)

// severities are those of fedora-messaging, as numbers; it knows no critical.
var severities = map[string]int32{"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 40}

// mostNames bounds the headers that name users and packages, in bytes: a push may name thousands.
const mostNames = 16 << 10

// newPublishing makes the AMQP form of a load: the body as it was sent, and everything else beside it. Headers have to
// fit into one frame of so many bytes.
func newPublishing(l bus.Load, frame int) (amqp091.Publishing, *refusal) {
	m := l.Message
	p := amqp091.Publishing{
		ContentType: "application/json", ContentEncoding: "utf-8", DeliveryMode: amqp091.Persistent, MessageId: l.ID,
	}
	switch {
	case len(m.Topic) > maxName:
		return p, &refusal{RefusedTopic, fmt.Errorf("the topic has %d bytes, AMQP takes %d", len(m.Topic), maxName)}
	case len(l.ID) > maxName:
		return p, &refusal{RefusedID, fmt.Errorf("the id has %d bytes, AMQP takes %d", len(l.ID), maxName)}
	}
	var err error
	if p.Body, err = m.RawBody(); err != nil {
		return p, &refusal{RefusedUnread, err}
	}
	p.Priority = priority(m)
	p.Headers = headersOf(l)
	if size, ok := sizeOf(p.Headers); !ok || size > frame-1024 {
		return p, &refusal{RefusedHeaders, fmt.Errorf("the headers have %d bytes, or a name that is too long", size)}
	}
	return p, nil
}

// A refusal is why AMQP cannot carry a message.
type refusal struct {
	reason string
	err    error
}

func (r *refusal) Error() string { return r.err.Error() }

// priority is that by which AMQP has brought m; 0 for any other message.
func priority(m *bus.Message) (p uint8) {
	var fields struct {
		Priority json.RawMessage `json:"priority"`
	}
	if m.Foreign() && json.Unmarshal(m.Payload, &fields) == nil {
		_ = json.Unmarshal(fields.Priority, &p) // none, or a strange one: 0
	}
	return p
}

// headersOf gives the headers that the message has, as it has them. What fedora-messaging needs and the message does
// not say comes from its meaning: so consumers that bind queues by people and packages get what came from fedmsg too.
func headersOf(l bus.Load) amqp091.Table {
	all := amqp091.Table{}
	of := false
	for name, value := range l.Message.Headers {
		all[name] = asField(value, 0)
		of = of || strings.HasPrefix(name, "fedora_messaging_")
	}
	set := func(name string, value any) {
		if _, has := all[name]; !has {
			all[name] = value
		}
	}
	if !of {
		names := 0
		for _, list := range []struct {
			prefix string
			names  []string
		}{{ofUser, l.Users}, {ofPackage, l.Packages}, {ofGroup, l.Groups}} {
			for _, name := range list.names {
				header := list.prefix + name
				if names += len(header) + 2; len(header) <= maxName && names <= mostNames {
					set(header, true)
				}
			}
		}
	}
	set(ofSchema, "base.message")
	set(ofSeverity, severityOf(l.Severity))
	set(ofSentAt, l.Message.Time.UTC().Format("2006-01-02T15:04:05-07:00"))
	if len(l.Via) > 0 {
		all[bus.HeaderVia] = strings.Join(l.Via, " ")
	}
	return all
}

func severityOf(word string) int32 {
	if n := severities[word]; n > 0 {
		return n
	}
	return severities["info"]
}

// asField makes a field of a table of a value of JSON, as a Python publisher would.
func asField(v any, depth int) any {
	switch v := v.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		f, _ := v.Float64()
		return f
	case map[string]any:
		table := amqp091.Table{}
		for name, value := range v {
			if depth < maxTables-2 {
				table[name] = asField(value, depth+1)
			}
		}
		return table
	case []any:
		list := make([]any, 0, len(v))
		for _, value := range v {
			if depth < maxTables-2 {
				list = append(list, asField(value, depth+1))
			}
		}
		return list
	}
	return v // text, bool or nil
}

// sizeOf is about how many bytes a value of a header takes; false: a name in it is too long.
func sizeOf(v any) (size int, ok bool) {
	ok = true
	add := func(n int, value any) {
		more, fine := sizeOf(value)
		size += n + more
		ok = ok && fine && n <= maxName
	}
	switch v := v.(type) {
	case amqp091.Table:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			add(len(name)+1, v[name])
		}
	case []any:
		for _, value := range v {
			add(0, value)
		}
	case string:
		size = len(v)
	}
	return size + 9, ok
}
