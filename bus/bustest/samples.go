package bustest

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/notifyd/notifyd/bus"
)

// Sample is an ordinary message, the nth of a publisher: fedmsg's envelope, on one line.
func Sample(n int) bus.Frame {
	topic := fmt.Sprintf("org.example.prod.ferry.crossing.%d", n)
	return bus.Frame{Topic: topic, Payload: fmt.Appendf(nil,
		`{"i":%d,"msg":{"captain":"zo\u00eb","n":%d,"line":"%s"},"msg_id":"2026-sample-%d","timestamp":%d,"topic":%q}`,
		n, n, strings.Repeat("~", n%300), n, 1_780_000_000+n, topic)}
}

// Samples are the messages from first on.
func Samples(first, count int) []bus.Frame {
	all := make([]bus.Frame, count)
	for i := range all {
		all[i] = Sample(first + i)
	}
	return all
}

// large is a sample of about size bytes.
func large(n, size int) bus.Frame {
	f := Sample(n)
	f.Payload = bytes.Replace(f.Payload, []byte(`"line":"`), []byte(`"line":"`+strings.Repeat("x", size)), 1)
	return f
}

// A hostileFrame is what somebody who may publish on the bus can send.
type hostileFrame struct {
	name string
	bus.Frame
	bad bool // it must not be handed over
}

// hostile are frames out of bounds, and frames within them that are no messages. A source may drop those too.
func hostile() []hostileFrame {
	topic := "org.example.prod.ferry.hostile"
	named := func(topic string) bus.Frame {
		return bus.Frame{Topic: topic, Payload: fmt.Appendf(nil, `{"msg":{},"msg_id":"2026-hostile","topic":%q}`, topic)}
	}
	payload := func(p string) bus.Frame { return bus.Frame{Topic: topic, Payload: []byte(p)} }
	return []hostileFrame{
		{"topic over the bound", named("org." + strings.Repeat("x", bus.MaxTopic)), true},
		{"huge topic", named("org." + strings.Repeat("x", 1<<20)), true},
		{"empty topic", named(""), true},
		{"control characters in the topic", named("org.example\x1b[2J\r\nx"), true},
		{"topic that is not UTF-8", named("org.\xff\xfe"), true},
		{"payload over the bound", payload(`{"msg":"` + strings.Repeat("x", bus.MaxPayload) + `"}`), true},
		{"empty payload", payload(""), false},
		{"garbage", payload("\xab\x00\xff\x7f\x80garbage"), false},
		{"broken JSON", payload(`{"topic":"` + topic + `","msg":{"a":`), false},
		{"half a string", payload(`{"topic":"org.exam`), false},
		{"no object", payload(`[1,2,3]`), false},
		{"another topic in the envelope", payload(`{"msg":{},"topic":"org.example.prod.other"}`), false},
		{"deeply nested", payload(`{"topic":"` + topic + `","msg":` + strings.Repeat("[", 100_000)), false},
		{"many values", payload(`{"topic":"` + topic + `","msg":[` + strings.Repeat("0,", 1<<20) + `0]}`), false},
		{"lines", payload("{\n\"topic\": \"" + topic + "\",\n\"msg\": {}\r\n}\n\n"), false},
	}
}
