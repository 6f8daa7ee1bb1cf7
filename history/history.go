// Package history stores every message that was received, and searches them.
//
// It has two kinds of query. Search returns the messages of a user, a package, a topic or an application, for the
// pages of messages. Scan evaluates a filter on past messages, for the preview of a filter.
//
// A message is stored once, as it was received, with the sentence, the link and the names (user, package, topic,
// application, kind) that it had then. Inverted indexes lead from a user or a package to its messages in the order of
// time. The names are also packed into one small row for each message, so that most filters are decided without reading
// and decoding it.
//
// Both return results in pages, by keyset pagination (Winand, "SQL Performance Explained", on paging): a page begins
// after the last row of the page before, (sent_at, id) < (?, ?), and no row is skipped by counting. So page 1000
// costs as much as page 1, and a message that arrives in between does not move the pages.
//
// A query reads the one index that is most selective, and checks the other conditions message by message: as
// databases do without statistics (filter and refine). Scan decides in three steps, each costlier than the one
// before: by the names, by a prefilter over the stored text, and by the decoded message. If the result of a step is
// exact, the later steps are not needed.
//
// What always holds:
//
//   - A message is kept once, however often and by however many nodes it is appended: Append is idempotent.
//   - A message that two buses bring is kept once, under the id it came with first, and found by either (bus.CommonID).
//   - Two messages that claim one id are both kept. A proved one has the id, whichever came first (see Outcome).
//   - The bytes that are kept are within Keep after every commit, and a source that holds no more than an equal share
//     of them loses none to a flood at another (see Committed).
//   - Append is part of the transaction that stores the deliveries of the message: both are stored or neither.
//   - No query costs more than its bound: a search that has read enough messages returns the matches so
//     far and the position to continue from.
//   - No statement holds a snapshot of the database for longer than one window of messages.
//   - On PostgreSQL a message is kept for Keep.Age at least, and goes with its partition: see package partitions. No
//     insert fails for want of a partition, and nobody waits long for one that goes.
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
	"github.com/notifyd/notifyd/history/readers"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// A Record is a stored message: the frame as it was received, what was proved of its sender then, and its meaning by
// the catalogue at that time.
type Record struct {
	ID    int64 // in this history; greater than that of every message appended before
	MsgID string
	// ClaimedID is the id that the sender gave, as the other message writes it, for a message that is kept under another
	// MsgID, because a different message has that id. Otherwise it is "".
	ClaimedID string
	Source    string
	Topic     string
	App       string
	Kind      string
	Title     string
	Summary   string
	Link      string
	Time      time.Time // when it was sent, but never later than Received
	Received  time.Time
	// Standing is what was found at the reception. The verdict is "" for a message that an older version stored.
	Standing bus.Standing
	Late     bool // it filled a hole
	Payload  []byte
}

// Frame returns the frame as it was received.
func (r Record) Frame() bus.Frame {
	return bus.Frame{Source: r.Source, Topic: r.Topic, Payload: r.Payload, Late: r.Late}
}

// Message decodes the message again, as it was at its reception: with the Standing of that time, and with the id under
// which it is kept.
func (r Record) Message() (*bus.Message, error) {
	// Time is that of the reception where the sender gave none that can be, and is not needed otherwise. It may be well
	// before Received, which is when the database took the message.
	m, err := bus.Decode(r.Frame(), r.Time)
	if err != nil {
		return nil, err
	}
	m.ID, m.Standing = r.MsgID, r.Standing
	return m, nil
}

// A Query selects messages. Fields with the zero value do not restrict. All other fields must hold.
type Query struct {
	Since, Until time.Time // Since inclusive, Until exclusive
	Topic        string    // the whole topic, or a prefix when it ends in "."
	App          string
	User         string
	Package      string
	Among        readers.Sources
	Before       int64 // id: only messages after this one in the order of the result, for paging; 0: from the newest
	Limit        int   // at most this many; 0 and more than MaxLimit: MaxLimit
}

// A Page is the result of a Query, the newest first.
type Page struct {
	Records []Record
	// Next is the Before of the Query for the next page; 0: there are no more. It is set also when a search ended
	// early because it had read maxScan messages, or because the page has MaxSelected bytes: then Records may be few or
	// none although there are more.
	Next int64
}

// A Size is how much the history holds.
type Size struct {
	Messages int64
	Bytes    int64 // of the frames and their descriptions, without indexes
}

// MaxLimit bounds Query.Limit.
const MaxLimit = 500

// ErrNotFound is the error for a message that does not exist, or that was pruned.
var ErrNotFound = errors.New("message not found")

// A Filter decides which messages match, in steps of which each costs more than the one before. Only one goroutine at
// a time calls it.
type Filter interface {
	// Keys returns values by field. Every message that matches has at least one of them, so an index can look them
	// up. The fields are among those given. nil: any message may match; empty and not nil: no message matches.
	Keys(fields ...string) map[string][]string
	// Names judges a message by its names. Of the event only Topic, Time, App, Kind, Actor, Users, Packages and
	// Severity are set, and Verdict and Signer of its Standing, as they were when the message arrived. The event is
	// reused after the call. If matches is false, the message does not match. sure: Match would return the same.
	Names(e *catalogue.Event) (matches, sure bool)
	// Prefilter judges a message that Names did not rule out by its sentence, link and payload, at less cost than
	// Match. sure: Match would return the same.
	Prefilter(summary, link string, payload []byte) (matches, sure bool)
	// Match decides by the decoded message, with the sentence and the link as they were when it arrived.
	Match(e *catalogue.Event) bool
	// Anew says that Match looks at what no message is kept with: groups, objects, keyword, phase, roles. The messages
	// are described again for it.
	Anew() bool
}

// A ScanQuery is the query of a Scan.
type ScanQuery struct {
	Filter Filter
	Since  time.Time // inclusive
	Before Cursor    // only messages after it in the order of the result, for paging; zero: from the newest
	// Describe returns the meaning of a message whose names are not stored: a message of an older version, or one
	// with very many names.
	Describe func(*bus.Message) *catalogue.Event
	Among    readers.Sources
	Days     []time.Time // the beginnings of the days that are counted, ascending
	Hits     int         // at most this many are returned; all are counted
	Most     int         // examine no more than this many; 0: as many as time allows
	Until    time.Time   // stop at this time; zero: no limit
}

// A Cursor is a position in the order of a result (a keyset cursor): the time of a message in Unix microseconds, and
// its id.
type Cursor struct{ SentAt, ID int64 }

// A ScanResult is the result of Scan.
type ScanResult struct {
	Hits    []Hit // the newest first
	Matched int   // of the messages examined, those that match
	PerDay  []int // the same for each of Days; the last one counts all that are younger
	Looked  int   // messages that were examined one by one; those that the keys rule out are not counted
	ByKeys  bool  // the filter has keys: only messages with one of them can match
	// Reached is how far back the result is complete: all matches among the messages sent since then are counted.
	Reached time.Time
	End     bool // Reached is Since, or the time of the oldest message that is kept
	Empty   bool // nothing at all is kept
	// Next is the Before of the query that continues this one. It follows the last of Hits or, when all hits were
	// returned, the last message examined. Zero: nothing follows.
	Next Cursor
}

// A Hit is a message that matches, with the event by which that was decided.
type Hit struct {
	Record
	Event *catalogue.Event
}
