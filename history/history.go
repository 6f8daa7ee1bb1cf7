// Package history keeps every message that came, and finds them again.
//
// It answers two questions. Search gives the messages of a user, a package, a topic or an application, for the pages of
// messages. Scan asks a filter about past messages, for the preview of a filter.
//
// A message is stored once, as it was received, with the sentence, the link and the names (user, package, topic,
// application, kind) that it had then. Inverted indexes lead from a user or a package to its messages in the order of
// time. The names are also packed into one small row for each message, so that most filters are decided without reading
// and decoding it.
//
// Both answers come in pages, by keyset pagination (Winand, "SQL Performance Explained", on paging): a page begins
// after the last row of the page before, (sent_at, id) < (?, ?), and no row is skipped by counting. So page 1000 costs
// what page 1 costs, and a message that comes meanwhile moves nothing.
//
// A query reads the one index that is most selective, and checks the other conditions message by message: as databases
// do without statistics (filter and refine). Scan decides in three steps, each costlier than the one before: by the
// names, by a prefilter over the stored text, and by the decoded message. A step that is exact ends it.
//
// What always holds:
//
//   - A message is kept once, however often and by however many nodes it is appended: Append is idempotent.
//   - Append is part of the transaction that stores what is owed because of the message: both are there or neither.
//   - No answer costs more than its bound: a search that has looked at enough gives what it has and where to go on.
//   - No statement holds a snapshot of the database for longer than one window of messages.
//
// A search for the newest messages of a package, page by page:
//
//	q := history.Query{Package: "bash", Limit: 50}
//	for {
//		page, err := store.Search(ctx, q)
//		...
//		if q.Before = page.Next; q.Before == 0 {
//			break
//		}
//	}
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

// A Filter says which messages match, in steps of which each costs more than the one before. It is asked by one
// goroutine at a time.
type Filter interface {
	// Keys gives values by field, of which every message that matches has one: what an index is asked for. The fields
	// are among those given. nil: any message may match; empty and not nil: none does.
	Keys(fields ...string) map[string][]string
	// Names judges a message by its names: of the event only Topic, Time, App, Kind, Actor, Users, Packages and
	// Severity are set, as they were understood when the message came. The event is used again after the call. What
	// does not match by its names does not match; sure: Match would say the same of what does.
	Names(e *catalogue.Event) (matches, sure bool)
	// Prefilter judges a message that Names lets pass by its sentence, link and payload, at less cost than Match. sure:
	// Match would say the same.
	Prefilter(summary, link string, payload []byte) (matches, sure bool)
	// Match decides by an event that also has the message decoded, and the sentence and link as they were when it came.
	Match(e *catalogue.Event) bool
}

// A ScanQuery is what Scan is asked.
type ScanQuery struct {
	Filter Filter
	Since  time.Time // inclusive
	Before Cursor    // only what comes after it in the order of the result, for paging; zero: from the newest
	// Describe says what a message means whose names are not kept: one of an older version, or with very many names.
	Describe func(*bus.Message) *catalogue.Event
	Days     []time.Time // when the days begin that are counted by, ascending
	Hits     int         // at most this many are given; all are counted
	Most     int         // look at no more than this many; 0: as many as there is time for
	Until    time.Time   // look no further when this has come; zero: there is time
}

// A Cursor is a position in the order of a result (a keyset cursor): the time of a message in Unix microseconds, and
// its id.
type Cursor struct{ SentAt, ID int64 }

// A ScanResult is what Scan found.
type ScanResult struct {
	Hits    []Hit // the newest first
	Matched int   // of the messages looked at, those that match
	PerDay  []int // the same for each of Days; the last one has all that is younger
	Looked  int   // messages that were looked at one by one; what the keys rule out is not among them
	ByKeys  bool  // the filter has keys: only messages with one of them can match
	// Reached is how far back the result is complete: of all messages sent since, those that match are counted.
	Reached time.Time
	End     bool // Reached is Since, or the time of the oldest message that is kept
	Empty   bool // nothing at all is kept
	// Next is the Before of the query for what follows the last of Hits or, when all were given, for what was not
	// looked at; zero: nothing.
	Next Cursor
}

// A Hit is a message that matches, with the event by which that was decided.
type Hit struct {
	Record
	Event *catalogue.Event
}
