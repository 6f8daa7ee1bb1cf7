package lines

import (
	"bytes"

	"github.com/notifyd/notifyd/bus"
)

// A fault is why something of a line is left out.
type fault struct {
	reason string // of the metric
	text   string
}

// droppedBroken is the reason for messages in a page of datagrepper that are none.
const droppedBroken = "broken"

var byteOrderMark = []byte("\xef\xbb\xbf") // UTF-8's byte order mark, with which some programs begin a file

// framesOf makes the frames of a line: none of a blank one.
func framesOf(l line) (frames []bus.Frame, faults []fault) {
	if l.text == nil {
		return nil, []fault{{bus.DroppedLarge, "the line is too long"}}
	}
	text := l.text
	if l.from == 0 {
		text = bytes.TrimPrefix(text, byteOrderMark)
	}
	if len(bytes.TrimSpace(text)) == 0 {
		return nil, nil
	}
	frames, broken, archived := bus.ReadArchived(text)
	for range broken {
		faults = append(faults, fault{droppedBroken, "a message of the page is none"})
	}
	for n := range frames {
		frames[n].ThirdParty = false // the file is the source: what the site says of it is meant
	}
	if archived {
		return frames, faults
	}
	topic := bus.PeekEnvelope(text).Topic
	if topic == "" {
		return nil, append(faults, fault{bus.DroppedTopic, "no JSON object, or one without topic"})
	}
	return []bus.Frame{{Topic: topic, Payload: text}}, faults
}
