// Package prefs knows who wants to hear of what, where and when.
//
// It stores users, destinations and filters, and plans deliveries: Plan is pure.
package prefs

import (
	"errors"
	"time"

	"github.com/notifyd/notifyd/rulespec"
)

// A User is a person who signs in. Name is the account on the bus, which @me in a filter stands for.
type User struct {
	ID   uint
	Name string
	Zone string // IANA time zone, e.g. Europe/Berlin; "" is UTC
}

// A Destination is one address of one person on one backend. Nothing but its confirmation is sent before Confirmed.
type Destination struct {
	ID        uint
	UserID    uint
	Backend   string
	Address   string
	Confirmed bool
	On        bool
	Disabled  string // why we stopped sending (refused by the server), shown to the user; "" when all is well
	Schedule  Schedule
}

// A Schedule says when a destination gets what is owed to it. The zero Schedule is: at once. Otherwise it is a digest
// that goes when the first of the conditions set holds.
type Schedule struct {
	Every    time.Duration  // so long after the oldest waiting notice; 0: no such condition
	Count    int            // at so many waiting notices; 0: no such condition
	At       string         // "07:00", local time in the user's zone; "": no such condition
	Weekdays []time.Weekday // on which At holds; empty: every day
}

// A Filter is a stored filter of a user. Rules may be broken (an unknown kind after a downgrade): then it never
// matches, and the page says why.
type Filter struct {
	rulespec.Filter
	UserID       uint
	On           bool
	OneShot      bool   // switched off in the transaction of its first delivery
	Destinations []uint // ids; empty: all confirmed destinations of the user
}

// A Subscription is a filter that is on, with the destinations it reaches: what Plan needs of a hit.
type Subscription struct {
	Filter       Filter
	User         User
	Destinations []Destination // confirmed, on and not disabled
	Sentence     string        // the filter in words
}

// ErrNotFound says that there is no such thing, or that it is somebody else's.
var ErrNotFound = errors.New("not found")
