package amqp

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	amqp091 "github.com/rabbitmq/amqp091-go"

	"github.com/notifyd/notifyd/bus"
)

// Reasons for which a message is refused, beside those of package bus.
const (
	DroppedText      = "not_json"  // the body is no JSON value
	DroppedMalformed = "malformed" // bus.Decode says that it is no message
)

// frame makes the frame of a delivery; reason says why there is none, "" where there is.
func frame(d *amqp091.Delivery, now time.Time) (f bus.Frame, reason string) {
	f = bus.Frame{Topic: d.RoutingKey, Publisher: publisher(d)}
	if reason := f.OutOfBounds(); reason != "" {
		return f, reason
	}
	if len(d.Body) > bus.MaxPayload {
		return f, bus.DroppedLarge
	}
	if !oneValue(d.Body) {
		return f, DroppedText
	}
	f.Payload = compose(d)
	if reason := f.OutOfBounds(); reason != "" {
		return f, reason
	}
	if _, err := bus.Decode(f, now); err != nil {
		return f, DroppedMalformed
	}
	return f, ""
}

// publisher is the property user_id, which the broker has compared with the login of the publisher's connection. It
// stands in logs and texts for people, so a strange one counts as none.
func publisher(d *amqp091.Delivery) string {
	if bus.CheckTopic(d.UserId) != nil {
		return ""
	}
	return d.UserId
}

// compose makes the payload that bus.Decode reads. The body is embedded as it came; oneValue has said that it can be.
func compose(d *amqp091.Delivery) []byte {
	var b bytes.Buffer
	b.Grow(len(d.Body) + 512)
	b.WriteString(`{"topic":`)
	writeText(&b, d.RoutingKey)
	if d.MessageId != "" {
		b.WriteString(`,"id":`)
		writeText(&b, d.MessageId)
	}
	if headers := headers(d); len(headers) > 0 {
		b.WriteString(`,"headers":`)
		writeValue(&b, headers)
	}
	if d.Priority > 0 {
		b.WriteString(`,"priority":` + strconv.Itoa(int(d.Priority)))
	}
	b.WriteString(`,"body":`)
	b.Write(d.Body)
	b.WriteByte('}')
	return b.Bytes()
}

// headers gives the headers of d. The time that is a property counts where no header says when it was sent.
func headers(d *amqp091.Delivery) amqp091.Table {
	if d.Timestamp.Unix() <= 0 || d.Headers["sent-at"] != nil {
		return d.Headers
	}
	all := amqp091.Table{"sent-at": d.Timestamp}
	for name, value := range d.Headers {
		if value != nil || name != "sent-at" {
			all[name] = value
		}
	}
	return all
}

// oneValue reports whether text is one JSON value, as far as brackets and quotation marks tell: it begins no second
// one, and closes nothing that it has not opened. So a body cannot add fields to the object that it is embedded in.
// Whether it is JSON besides, bus.Decode says, which sees the same brackets and marks.
func oneValue(text []byte) bool {
	text = bytes.Trim(text, " \t\r\n")
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth < 0 || depth == 0 && i < len(text)-1 {
				return false
			}
		case ',', ':':
			if depth == 0 {
				return false
			}
		case '"':
			for i++; i < len(text) && text[i] != '"'; i++ {
				if text[i] == '\\' {
					i++
				}
			}
			if i >= len(text) {
				return false // no closing mark
			}
		}
	}
	return depth == 0 && len(text) > 0
}

// writeText writes s as JSON. What is not UTF-8 becomes U+FFFD.
func writeText(b *bytes.Buffer, s string) {
	text, _ := json.Marshal(s) // a string has a form always
	b.Write(text)
}

// maxTables is how deep tables and lists may stand in headers; the library ends a connection at 32.
const maxTables = 32

// writeValue writes a value of a header as JSON.
func writeValue(b *bytes.Buffer, v any) { writeAt(b, v, 0) }

func writeAt(b *bytes.Buffer, v any, depth int) {
	switch v := v.(type) {
	case amqp091.Table:
		writeTable(b, v, depth)
	case []any:
		writeList(b, v, depth)
	case string:
		writeText(b, v)
	case []byte:
		if utf8.Valid(v) {
			writeText(b, string(v))
		} else {
			writeText(b, base64.StdEncoding.EncodeToString(v))
		}
	case time.Time:
		writeText(b, v.UTC().Format(time.RFC3339))
	case amqp091.Decimal:
		b.WriteString(decimal(v))
	case float32:
		writeFloat(b, float64(v), 32)
	case float64:
		writeFloat(b, v, 64)
	default: // the integers, bool and nil
		text, err := json.Marshal(v)
		if err != nil {
			text = []byte("null")
		}
		b.Write(text)
	}
}

func writeTable(b *bytes.Buffer, table amqp091.Table, depth int) {
	if depth > maxTables {
		b.WriteString("null")
		return
	}
	b.WriteByte('{')
	for i, name := range slices.Sorted(maps.Keys(table)) {
		if i > 0 {
			b.WriteByte(',')
		}
		writeText(b, name)
		b.WriteByte(':')
		writeAt(b, table[name], depth+1)
	}
	b.WriteByte('}')
}

func writeList(b *bytes.Buffer, list []any, depth int) {
	if depth > maxTables {
		b.WriteString("null")
		return
	}
	b.WriteByte('[')
	for i, v := range list {
		if i > 0 {
			b.WriteByte(',')
		}
		writeAt(b, v, depth+1)
	}
	b.WriteByte(']')
}

// writeFloat writes a number; JSON has none for what is no number and for infinity.
func writeFloat(b *bytes.Buffer, f float64, bits int) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		b.WriteString("null")
		return
	}
	b.Write(strconv.AppendFloat(nil, f, 'g', -1, bits))
}

// decimal writes a number whose point stands so many digits from the right. JSON reads an exponent.
func decimal(d amqp091.Decimal) string {
	return strconv.Itoa(int(d.Value)) + "e-" + strconv.Itoa(int(d.Scale))
}
