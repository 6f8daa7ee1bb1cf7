package bus

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// mend notes what was odd in the metadata of m, and what was taken instead. format begins with the name of the field.
func (m *Message) mend(format string, args ...any) {
	m.Mended = append(m.Mended, fmt.Sprintf(format, args...))
}

// MendedField gives the field that a line of Message.Mended is about, one of topic, msg, headers, username, i, msg_id,
// timestamp and sent-at.
func MendedField(mended string) string {
	field, _, _ := strings.Cut(mended, " ")
	return field
}

// show writes a value of the payload for people: a text in quotes, a number as it is, of anything else the type.
func show(v any) string {
	switch v := v.(type) {
	case string:
		return strconv.Quote(clip(v))
	case json.Number:
		return clip(string(v))
	}
	return "a JSON " + jsonKind(v)
}
