// Package prefs knows who wants to hear of what, where and when.
//
// It stores users, destinations and filters, and plans deliveries: Plan is pure.
package prefs

import (
	"errors"
	"fmt"
	"time"

	"github.com/notifyd/notifyd/prefs/schedule"
	"github.com/notifyd/notifyd/rulespec"
)

// A User is a person who signs in. Name is the account on the bus, which @me in a filter stands for.
type User struct {
	ID   uint
	Name string
	Zone string // IANA time zone, e.g. Europe/Berlin; "" is UTC

	zone *time.Location // of Zone, where the store has looked it up
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
	Schedule  schedule.Schedule
}

// A Filter is a stored filter of a user. Rules may be broken (an unknown kind after a downgrade): then it never
// matches, and the page says why.
type Filter struct {
	rulespec.Filter
	UserID       uint
	On           bool
	OneShot      bool   // switched off in the transaction of its first delivery
	Destinations []uint // ids, ascending; empty: all confirmed destinations of the user
	// Broken says why the filter cannot match or reaches nobody; "" when all is well. Only the store sets it.
	Broken string
}

// A Subscription is a filter that is on, with the destinations it reaches: what Plan needs of a hit.
type Subscription struct {
	Filter       Filter
	User         User
	Destinations []Destination // confirmed, on and not disabled
	Sentence     string        // the filter in words
}

// The errors that a caller acts on. None says whether somebody else has an account or an address.
var (
	ErrNotFound = errors.New("not found")                            // no such thing, or it is somebody else's
	ErrTaken    = errors.New("the name is taken")                    // of a user
	ErrClaimed  = errors.New("the address belongs to another user")  // found out only by whoever proved to hold it
	ErrCode     = errors.New("the code is wrong, used or too old")   // or was tried too often
	ErrTooOften = errors.New("too many codes were sent; wait a bit") // the limit of the rate, for a user or an address
	ErrTooMany  = errors.New("there are too many of these already")  // a bound on what one user stores
)

// An Error is a mistake in what a person typed, written for that person. Mistakes in rules are *rulespec.Error, those in
// schedules *schedule.Error.
type Error struct {
	Field   string // "name", "zone", "backend", "address", "destinations"
	Problem string
}

// Error gives the field and what is wrong with it.
func (e *Error) Error() string { return e.Field + ": " + e.Problem }

func problem(field, format string, args ...any) error {
	return &Error{Field: field, Problem: fmt.Sprintf(format, args...)}
}
