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

// frame makes the frame of a delivery; reason says why there is none, "" where there is.
func frame(d *amqp091.Delivery, now time.Time) (f bus.Frame, reason string) {
	f.Publisher = publisher(d)
	parts := bus.Parts{Topic: d.RoutingKey, ID: d.MessageId, Priority: int(d.Priority), Body: d.Body}
	if headers := headers(d); len(headers) > 0 {
		var b bytes.Buffer
		writeValue(&b, headers)
		parts.Headers = b.Bytes()
	}
	reason = f.Compose(parts, now)
	return f, reason
}

// publisher is the property user_id, which the broker has compared with the login of the publisher's connection. It
// stands in logs and texts for people, so a strange one counts as none.
func publisher(d *amqp091.Delivery) string {
	if bus.CheckTopic(d.UserId) != nil {
		return ""
	}
	return d.UserId
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
