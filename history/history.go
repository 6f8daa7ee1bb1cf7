// Package history keeps every message, searchable: the source of preview, explanation and replay.
package history

import (
	"errors"
	"time"

	"github.com/notifyd/notifyd/bus"
)

// A Record is a kept message: the frame as it was received, and what the catalogue said of it then.
type Record struct {
	ID       int64 // in this history; greater than that of what was appended before
	MsgID    string
	Source   string
	Topic    string
	App      string
	Kind     string
	Title    string
	Summary  string
	Link     string
	Time     time.Time // when it was sent, but never later than Received
	Received time.Time
	Payload  []byte
}

// Frame gives the frame as it was received: bus.Decode makes the message of it again.
func (r Record) Frame() bus.Frame {
	return bus.Frame{Source: r.Source, Topic: r.Topic, Payload: r.Payload}
}

// A Query selects messages. Zero fields do not restrict; the fields that are set all hold.
type Query struct {
	Since, Until time.Time // Since inclusive, Until exclusive
	Topic        string    // the whole topic, or a prefix when it ends in "."
	App          string
	User         string
	Package      string
	Before       int64 // id: only what comes after it in the order of the answer, for paging; 0: from the newest
	Limit        int   // at most this many; 0 and more than MaxLimit: MaxLimit
}

// A Page is an answer to a Query: the newest first.
type Page struct {
	Records []Record
	// Next is the Before of the Query for the next page; 0: there is no more. It is set also when a search ended early
	// because it had looked at maxScan messages: then Records may be few or none although there are more.
	Next int64
}

// A Size is how much the history holds.
type Size struct {
	Messages int64
	Bytes    int64 // of what was received and described, without indexes
}

// MaxLimit bounds Query.Limit.
const MaxLimit = 500

// ErrNotFound says that there is no such message, or none any more.
var ErrNotFound = errors.New("message not found")
