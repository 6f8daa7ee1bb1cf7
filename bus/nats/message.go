package nats

import (
	"cmp"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	natsgo "github.com/nats-io/nats.go"

	"github.com/notifyd/notifyd/bus"
)

// protocol begins the names of headers that are between publishers and the server.
const protocol = "Nats-"

// frame makes the frame of a message; reason says why there is none, "" where there is.
func (c ServerConfig) frame(m *natsgo.Msg, meta *natsgo.MsgMetadata, now time.Time) (f bus.Frame, reason string) {
	reason = f.ComposeOrTake(bus.Parts{
		Topic: c.topic(m.Subject), ID: cmp.Or(m.Header.Get(natsgo.MsgIdHdr), identity(meta)),
		Headers: headers(m.Header, meta.Timestamp), Body: m.Data,
	}, now)
	return f, reason
}

// identity names a message that has no id: by stream and number, and by when it was stored, for there may be another
// stream of that name one day.
func identity(meta *natsgo.MsgMetadata) string {
	return "nats-" + meta.Stream + "-" + strconv.FormatUint(meta.Sequence.Stream, 10) + "-" +
		strconv.FormatInt(meta.Timestamp.UnixNano(), 36)
}

// headers gives the headers of a message as a JSON object. One that has several values is a list.
func headers(h natsgo.Header, stored time.Time) []byte {
	all := map[string]any{}
	for name, values := range h {
		switch {
		case strings.HasPrefix(name, protocol), len(values) == 0:
		case len(values) == 1:
			all[name] = values[0]
		default:
			all[name] = values
		}
	}
	if all["sent-at"] == nil && stored.Unix() > 0 {
		all["sent-at"] = stored.UTC().Format(time.RFC3339Nano)
	}
	if len(all) == 0 {
		return nil
	}
	text, _ := json.Marshal(all) // texts and lists of them have a form always
	return text
}
