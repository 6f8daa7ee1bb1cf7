package bus

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// Replayed gives a message as fedmsg's replay does: the canonical JSON of its envelope, with the number as seq_id. What
// was signed stays what it was, since seq_id is no part of it. A message in AMQP's form is given in fedmsg's.
func Replayed(k Kept) ([]byte, error) {
	v, err := parseJSON(k.Payload, true)
	if err != nil {
		return nil, err
	}
	e, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("a JSON %s, not an object", jsonKind(v))
	}
	if body, isBody := e["body"]; isBody && e["msg"] == nil {
		e["msg"] = body
		delete(e, "body")
		delete(e, "id")
		e["msg_id"] = k.ID
		if e["timestamp"] == nil {
			e["timestamp"] = json.Number(strconv.FormatInt(k.Time.Unix(), 10))
		}
	}
	e["seq_id"] = k.Number
	return Canonical(e)
}
