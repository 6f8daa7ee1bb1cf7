// Package desktop shows notices on a person's desktop.
//
// A server cannot reach the session bus of a person. So the backend keeps a feed in the database for each destination,
// and the agent, which runs in the person's session as `notifyd desktop`, reads the feed and shows each notice:
//
//	Send -> Feed (two tables) -> Stream: GET /api/v1/notices -> Agent -> Bubbles -> notification server, over D-Bus
//
// The stream is server-sent events (WHATWG HTML Living Standard, section 9.2). Each event has an id: the number of the
// notice in its feed, behind an epoch that tells one life of the feed from the next. The agent keeps the id of the last
// notice that it has shown, and asks for what follows (Last-Event-ID), so the feed is a log with a cursor for each
// reader. doc/api.md describes the format, for readers that others write.
//
// These hold:
//
//   - A parcel is in the feed once, however often it is sent: feed, parcel and position of a notice are a unique key.
//   - Ids are committed in their order, so a reader that asks for what follows misses nothing.
//   - A reader that was away for too long gets an event that says how many notices were deleted unread.
//   - The agent remembers a notice after it has shown it. After a crash it may show one again, and loses none.
//   - No text of a notice becomes markup, and no link a command: the notification server may be of any kind.
//
// Bubbles speaks the Desktop Notifications Specification 1.2 of freedesktop.org.
package desktop

import (
	"context"
	"errors"
	"regexp"
	"time"

	"github.com/notifyd/notifyd/backends"
)

// Info is what pages and commands need to know of the desktop.
var Info = backends.Info{
	Name:         "desktop",
	Title:        "Desktop",
	Doc:          "Bubbles on your screen, shown by the program notifyd desktop that runs in your session.",
	AddressTitle: "Name of the computer's feed",
	CheckAddress: CheckAddress,
	Agent:        "notifyd desktop",
	Keeps:        []string{noticeRow{}.TableName(), feedRow{}.TableName()},
}

var feedName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$`)

// CheckAddress accepts the name of a feed: 1 to 80 ASCII letters, digits, dots, underscores and dashes.
func CheckAddress(address string) (string, error) {
	if !feedName.MatchString(address) {
		return "", errors.New("a feed is named by 1 to 80 letters, digits, dots, underscores or dashes")
	}
	return address, nil
}

// The bounds on a feed. A reader that was away for longer is told how many it missed.
const (
	KeepNotices = 1000
	KeepFor     = 14 * 24 * time.Hour
)

// The types of events in a stream.
const (
	TypeNotice  = "notice"  // Data is an Item
	TypeDropped = "dropped" // Data is a Dropped: older notices than those that follow were deleted unread
)

// An Event is one entry of a feed as it goes to a reader. ID is opaque; reading on after it gives what follows.
type Event struct {
	ID   string
	Type string
	Data []byte // JSON, one line
}

// A Dropped says how many notices are gone that the reader has not seen.
type Dropped struct {
	Count int64 `json:"count"`
}

// An Item is a notice in the feed: the JSON of doc/api.md.
type Item struct {
	Message  string    `json:"id"` // of the message on the bus
	Topic    string    `json:"topic,omitempty"`
	Time     time.Time `json:"time"`
	App      string    `json:"app,omitempty"`
	Kind     string    `json:"kind,omitempty"`
	KindName string    `json:"kind_name,omitempty"`
	Title    string    `json:"title"`
	Text     string    `json:"text,omitempty"`
	Link     string    `json:"link,omitempty"`
	Icon     string    `json:"icon,omitempty"`
	Actor    string    `json:"actor,omitempty"`
	Users    []string  `json:"users,omitempty"`
	Packages []string  `json:"packages,omitempty"`
	Objects  []string  `json:"objects,omitempty"`
	Severity string    `json:"severity,omitempty"`
	Why      []Why     `json:"why,omitempty"`
	Manage   string    `json:"manage,omitempty"`

	Grouping backends.Grouping `json:"grouping,omitzero"`
	backends.Provenance
}

// A Why is a filter that matched.
type Why struct {
	Filter   string `json:"filter"`
	Sentence string `json:"sentence"`
	Link     string `json:"link,omitempty"`
	Stop     string `json:"stop,omitempty"`
}

var (
	_ backends.Backend = (*Feed)(nil)
	_ backends.Runner  = (*Feed)(nil)
	_ backends.Fetched = (*Feed)(nil)
)

// Driver opens a Feed. It has no configuration.
func Driver() backends.Driver { return backends.Driver{Info: Info, Always: true, Open: open} }

func open(decode func(any) error, parts backends.Parts) (backends.Backend, error) {
	if err := decode(&struct{}{}); err != nil {
		return nil, err
	}
	return New(parts.Writer, parts.Reader, parts.Now), nil
}

// RunsEverywhere says that each node has streams of its own.
func (f *Feed) RunsEverywhere() {}

// Run deletes what is too old, until ctx ends. Streams end then too.
func (f *Feed) Run(ctx context.Context) error {
	defer f.watchers.close()
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		f.deleteOld(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
