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
