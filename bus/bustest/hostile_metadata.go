package bustest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/notifyd/notifyd/bus"
)

// oddValues are values of every type of JSON, and the borders of each.
var oddValues = []string{
	"null", "true", "false", `""`, `" "`, `"text"`, `"1780000000"`, `"2026-06-01T12:00:00Z"`, `"\u0000"`, `"\ud800"`, "0", "-1",
	"1.5", "1780000000000", "1780000000000000", "9999999999", "-62135596801", "253402300800", "1e300", "-1e300",
	"99999999999999999999999999", "NaN", "Infinity", "[]", `["a"]`, "{}", `{"a":{"b":[1]}}`,
}

// metadataFields are what fedmsg, its relays and archives and fedora-messaging write beside the body.
var metadataFields = []string{
	"topic", "msg", "msg_id", "timestamp", "i", "username", "headers", "seq_id", "crypto", "signature", "certificate",
	"source_name", "source_version", "gilmsg_version",
}

// hostileMetadata has each field of the envelope with each odd value, and AMQP's form with the same.
func hostileMetadata() (all []HostileFrame) {
	for _, field := range metadataFields {
		for _, value := range oddValues {
			all = append(all, odd("fedmsg's", []string{"topic", "msg", "msg_id", "timestamp", "i"}, field, value))
		}
	}
	for _, field := range []string{"topic", "body", "id", "headers", "queue", "severity"} {
		for _, value := range oddValues {
			all = append(all, odd("AMQP's", []string{"topic", "body", "id", "headers"}, field, value))
		}
	}
	for _, header := range []string{"sent-at", "fedora_messaging_schema", "fedora_messaging_severity", "priority"} {
		for _, value := range oddValues {
			all = append(all, odd("AMQP's", []string{"topic", "body", "id"}, "headers", fmt.Sprintf(`{%q:%s}`, header, value)))
		}
	}
	return all
}

// odd makes a message of a form whose field has an odd value, and whose other fields are as they should be.
func odd(form string, fields []string, field, value string) HostileFrame {
	name := fmt.Sprintf("%s %s=%s", form, field, value)
	usual := map[string]string{
		"topic": fmt.Sprintf("%q", HostileTopic), "msg": fmt.Sprintf(`{"odd":%q}`, name), "timestamp": "1780000000", "i": "7",
		"msg_id": fmt.Sprintf("%q", "2026-odd-"+name), "body": fmt.Sprintf(`{"odd":%q}`, name),
		"id": fmt.Sprintf("%q", "odd-"+name), "headers": `{"sent-at":"2026-06-01T12:00:00+00:00"}`,
	}
	usual[field] = value
	if !slices.Contains(fields, field) {
		fields = append(slices.Clip(fields), field)
	}
	parts := make([]string, len(fields))
	for i, f := range fields {
		parts[i] = fmt.Sprintf("%q:%s", f, usual[f])
	}
	return hostile(name, "{"+strings.Join(parts, ",")+"}")
}

// hostileIDs are forged ids: messages under one id, ids such as notifyd makes itself, ids that do not fit.
func hostileIDs() []HostileFrame {
	forged := func(id, topic, msg string) HostileFrame {
		f := bus.Frame{Topic: topic, Payload: fmt.Appendf(nil, `{"topic":%q,"msg_id":%q,"timestamp":1780000000,"msg":%s}`,
			topic, id, msg)}
		return HostileFrame{Name: fmt.Sprintf("id %.40s saying %s", id, msg), Frame: f}
	}
	all := []HostileFrame{
		forged("2026-forged", HostileTopic, `{"first":true}`),
		forged("2026-forged", HostileTopic, `{"first":false}`),
		forged("2026-forged", HostileTopic, `{"first":true}`),
		forged("2026-forged", HostileTopic+".other", `{"first":true}`),
		forged("2026-forged", HostileTopic, `{"first":1e0}`),
		forged("2026-forged~0123456789abcdef", HostileTopic, `{"derived":true}`),
		forged("2026-forged~0123456789abcdef~0123456789abcdef", HostileTopic, `{"derived":"twice"}`),
		forged("sha256-"+strings.Repeat("0", 32), HostileTopic, `{"made":true}`),
		forged(strings.Repeat("i", bus.MaxID), HostileTopic, `{"long":1}`),
		forged(strings.Repeat("i", bus.MaxID), HostileTopic, `{"long":2}`),
		forged(strings.Repeat("i", bus.MaxID+1), HostileTopic, `{"long":3}`),
		forged(strings.Repeat("i", 1<<20), HostileTopic, `{"long":4}`),
		forged("../../etc/passwd", HostileTopic, "{}"),
		forged("<a href=x>&?#%2f", HostileTopic, "{}"),
		forged("\u202e\u00a0\u2028", HostileTopic, "{}"),
		forged("2026-\xff", HostileTopic, "{}"),
		forged("2026-\r\nX-Header: 1", HostileTopic, "{}"),
	}
	for n := range 20 { // ids that differ in what databases may fold
		all = append(all, forged("2026-"+strings.Repeat(" ", n)+"É", HostileTopic, fmt.Sprintf(`{"n":%d}`, n)))
	}
	return all
}
