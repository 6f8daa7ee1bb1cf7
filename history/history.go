// Package history keeps every message, searchable: the source of preview, explanation and replay.
package history

import (
	"errors"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/rulespec/catalogue"
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

// A Sieve is a question to the past: which messages does a filter match? Its functions are called one at a time.
type Sieve struct {
	Since  time.Time // inclusive
	Before Spot      // only what comes after it in the order of the answer, for paging; zero: from the newest
	// Keys are what the indexes are asked for: a message that fits has one of them, in a field that is one of Fields.
	// nil: any message may fit; empty and not nil: none does.
	Keys []Key
	// Names says whether a message fits as far as its names tell. Of the event only Topic, Time, App, Kind, Actor, Users, Packages
	// and Severity are set, as they were understood when the message came; it is used again after the call.
	Names func(*catalogue.Event) bool
	// Rough judges what passed Names by its sentence, link and payload, at less cost than Whole; sure false: it cannot. nil:
	// it never can.
	Rough func(summary, link string, payload []byte) (fits, sure bool)
	// Whole decides on what passed Names and Rough was not sure of, by an event that also has the message decoded, and the
	// sentence and link as they were when it came. nil: Names has decided.
	Whole func(*catalogue.Event) bool
	// Describe says what a message means whose names are not kept: one of an older version, or with very many of them.
	Describe func(*bus.Message) *catalogue.Event
	Days     []time.Time // when the days begin that are counted by, ascending
	Hits     int         // at most this many are given; all are counted
	Most     int         // look at no more than this many; 0: as many as there is time for
	Until    time.Time   // look no further when this has come; zero: there is time
}

// A Key is a field of an event and a value of it.
type Key struct{ Field, Value string }

// Fields are those of a Sieve's Keys.
var Fields = []string{"topic", "app", "kind", "actor", "user", "package"}

// A Spot is a place in the order of an answer: a time in Unix microseconds and the id of a message.
type Spot struct{ SentAt, ID int64 }

// A Sifted is the answer to a Sieve.
type Sifted struct {
	Hits    []Hit // the newest first
	Matched int   // of the messages looked at, those that fit
	PerDay  []int // the same for each of Days; the last one has all that is younger
	Looked  int   // messages that were looked at one by one; what Keys rule out is not among them
	// Reached is how far back the answer is complete: of all messages sent since, those that fit are counted.
	Reached time.Time
	End     bool // Reached is Since, or the time of the oldest message that is kept
	Empty   bool // nothing at all is kept
	Next    Spot // the Before of the Sieve for what follows the last of Hits or, when all were given, for what was not looked at; zero: nothing
}

// A Hit is a message that fits, with the event by which that was decided.
type Hit struct {
	Record
	Event *catalogue.Event
}
