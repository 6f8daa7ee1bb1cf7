package zmq

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"time"

	"github.com/notifyd/notifyd/bus"
)

// A replayQuery is a request of fedmsg's replay protocol. What its fields select is given together.
type replayQuery struct {
	SeqID      *int64    `json:"seq_id"`
	SeqIDs     []int64   `json:"seq_ids"`
	SeqIDRange []int64   `json:"seq_id_range"` // from, to, both inclusive
	MsgID      *string   `json:"msg_id"`
	MsgIDs     []string  `json:"msg_ids"`
	Time       []float64 `json:"time"` // from, to, in seconds since 1970
}

// The faults of a request. They go to the client.
var (
	errRequest = errors.New("the query is not a JSON object of seq_id, seq_ids, seq_id_range, msg_id, msg_ids and time")
	errRange   = errors.New("a range has a first and a last number")
	errTooLong = errors.New("too many seq_ids or msg_ids, at most 1000 are looked up")
)

// parseReplayRequest reads a request.
func parseReplayRequest(text []byte) (bus.KeptQuery, error) {
	var r replayQuery
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return bus.KeptQuery{}, errRequest
	}
	if _, err := d.Token(); err != io.EOF {
		return bus.KeptQuery{}, errRequest
	}
	q := bus.KeptQuery{Numbers: r.SeqIDs, IDs: r.MsgIDs}
	if r.SeqID != nil {
		q.Numbers = append(q.Numbers, *r.SeqID)
	}
	if r.MsgID != nil {
		q.IDs = append(q.IDs, *r.MsgID)
	}
	if len(q.Numbers) > replayMessages || len(q.IDs) > replayMessages {
		return bus.KeptQuery{}, errTooLong
	}
	if r.SeqIDRange != nil {
		if len(r.SeqIDRange) != 2 {
			return bus.KeptQuery{}, errRange
		}
		q.First, q.Last = max(0, r.SeqIDRange[0]), r.SeqIDRange[1]
	}
	if r.Time != nil {
		if len(r.Time) != 2 {
			return bus.KeptQuery{}, errRange
		}
		q.Since, q.Until = epochTime(r.Time[0]), epochTime(r.Time[1])
	}
	return q, nil
}

// epochTime is a number of seconds since 1970, within the years 1 to 9999.
func epochTime(seconds float64) time.Time {
	const most = 253402300799
	whole, part := math.Modf(min(max(seconds, 0), most))
	return time.Unix(int64(whole), int64(part*1e9)).UTC()
}
