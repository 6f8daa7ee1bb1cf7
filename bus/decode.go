package bus

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Decode turns a frame into a Message. now is the time of reception, which becomes the message's where its sender gave
// none.
//
// The payload is a UTF-8 JSON object in one of two forms. fedmsg's envelope has topic, msg, msg_id and timestamp
// (seconds since 1970), and may have i, username and headers. AMQP's form has topic and body, and may have id and
// headers, among them sent-at. A field that is not listed here stays in Payload and goes nowhere else.
//
// Only four things make a frame malformed: it is out of bounds, its topic cannot be one (CheckTopic), its payload is no
// JSON object, or the payload states another topic than the frame. Any other field that is missing, of another type or
// out of range is replaced, and Mended says by what. So nothing is lost because a sender is careless, and people see
// where the message differs from what was sent. Payload stays as received: it is what is signed. Decoded again with the
// same time it gives the same Message.
//
// A payload that costs more to read than MaxRead is delivered too, but of it only the envelope is read, and Body is
// nil. Its signature cannot be checked, and in between it need not be JSON.
//
// An error wraps ErrMalformed and names the fault. Decode never panics, whatever the frame holds.
func Decode(f Frame, now time.Time) (*Message, error) {
	if err := CheckTopic(f.Topic); err != nil {
		return nil, err
	}
	e, unread, err := parseObject(f.Payload)
	if err != nil {
		return nil, err
	}
	return e.message(f, unread, now)
}

// DecodeLine reads one line of JSON Lines, the format in which the tools exchange messages. It is Decode of a frame
// whose topic is the line's own, or NoTopic where it states none.
func DecodeLine(line []byte, now time.Time) (*Message, error) {
	e, unread, err := parseObject(line)
	if err != nil {
		return nil, err
	}
	topic, _ := e["topic"].(string)
	if topic == "" {
		topic = NoTopic
	}
	if err := CheckTopic(topic); err != nil {
		return nil, err
	}
	return e.message(Frame{Topic: topic, Payload: line}, unread, now)
}

// NoTopic is the topic of a line that has none, as fedmsg names it.
const NoTopic = "unspecified"

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrMalformed}, args...)...)
}

// CheckTopic checks that a topic is UTF-8 of 1 to MaxTopic bytes, without control characters. Its error wraps
// ErrMalformed.
func CheckTopic(topic string) error {
	switch {
	case topic == "":
		return malformed("empty topic")
	case len(topic) > MaxTopic:
		return malformed("topic of %d bytes, at most %d are read", len(topic), MaxTopic)
	case !utf8.ValidString(topic):
		return malformed("topic is not UTF-8")
	case hasControl(topic):
		return malformed("control character in topic %q", topic)
	}
	return nil
}

func hasControl(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r == 0x7F })
}
