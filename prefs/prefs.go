// Package prefs knows who wants to hear of what, where and when.
//
// It is the bridge between meaning and delivery. On one side stand filters, which say what messages a person wants to
// hear of; on the other destinations, which say where and when. A Subscription joins the two: a filter that is on, with
// the destinations that it reaches. Plan makes deliveries of an event and the subscriptions that it hit. Plan is pure:
// it reads no database and no clock.
//
// A Store has one part for each kind of caller, and each caller holds only the parts it uses:
//
//	Accounts, Sessions, Tokens   people, and how they and their desktop agents sign in
//	Destinations, Filters        what people add and change on the pages
//	Unsubscriber                 what a signed link in a notice does; package links makes the links
//	Subscriptions                what the router reads: all filters once, and then only what changes
//
// Two rooms inside are pure: package schedule says when a notice goes, package links makes and verifies signed links.
//
// The router holds an index of all filters in memory, and must never work with an old one. So every change to what is
// delivered raises a revision, a logical clock (Lamport, "Time, Clocks, and the Ordering of Events in a Distributed
// System"), and notes in a log of changes which filters it touched (a change data capture). The router reads the
// revision in the transaction that will carry the deliveries, takes up the filters that the log names, and starts over
// where the log does not reach back. A filter that is switched off takes effect with the next message, on every node.
//
// Closing a destination is the other way round: nothing may go there afterwards. It locks out the transactions that
// store deliveries, and cancels what is owed in its own transaction (see Config.OnClose).
//
// What always holds:
//
//   - A method with a user's id reaches nothing of another user: what is not theirs is ErrNotFound.
//   - No notice goes to an address before its holder has proved to read it. A confirmed address has one owner.
//   - Of one message a destination is owed one delivery, however many filters reach it; the notice lists them all.
//   - A filter that cannot be evaluated matches nothing, and its owner sees why (fail closed).
//   - Secrets (codes, tokens, sessions) are stored as digests, live for a limited time, and are limited in rate.
//   - What one person can store is bounded.
//
// A user is made, and a filter saved for them:
//
//	store := prefs.Open(prefs.Config{Writer: db.Writer, Reader: db.Reader, Now: time.Now, Random: rand.Reader})
//	alice, err := store.Accounts.Register(ctx, "alice", "Europe/Berlin", "email", "alice@example.org")
//	...
//	saved, err := store.Filters.Save(ctx, alice.ID, prefs.Filter{On: true, Filter: rulespec.Filter{Name: "Mine", ...}})
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

// A Subscription is a filter that is on, with the destinations it reaches: what Plan needs to know of it.
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
	ErrClaimed  = errors.New("the address belongs to another user")  // given only after a proof of holding it
	ErrCode     = errors.New("the code is wrong, used or too old")   // or was tried too often
	ErrTooOften = errors.New("too many codes were sent; wait a bit") // the limit of the rate, for a user or an address
	ErrTooMany  = errors.New("there are too many of these already")  // a bound on what one user stores
)

// An Error is a mistake in what a person typed, written for that person. Mistakes in rules are *rulespec.Error, those
// in schedules *schedule.Error.
type Error struct {
	Field   string // "name", "zone", "backend", "address", "destinations"
	Problem string
}

// Error gives the field and what is wrong with it.
func (e *Error) Error() string { return e.Field + ": " + e.Problem }

func problem(field, format string, args ...any) error {
	return &Error{Field: field, Problem: fmt.Sprintf(format, args...)}
}
