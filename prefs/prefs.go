// Package prefs stores the preferences of users: which messages they want, where and when.
//
// A filter selects the messages that a person wants. A destination is an address, with a schedule for its notices. A
// Subscription joins the two: a filter that is on, with the destinations that it reaches. Plan makes deliveries from
// an event and the subscriptions that it matched. Plan is pure: it reads no database and no clock.
//
// A Store has one part for each kind of caller, and each caller holds only the parts it uses:
//
//	Accounts, Sessions, Tokens   users, and how they and their desktop agents sign in
//	Destinations, Filters        the entries that users add and change on the pages
//	Unsubscriber                 the actions of signed links in notices; package links makes the links
//	Mutes                        what users do not want to hear of for a while
//	Operators                    what operators find and change of anybody
//	Subscriptions                the data of the router: all filters once, and then only changes
//
// Inner packages are pure: package schedule computes when a notice goes, package mute decides what is silenced, package
// links makes and verifies signed links.
//
// The router holds an index of all filters in memory, and must never use an old one. So every change to what is
// delivered raises a revision, a logical clock (Lamport, "Time, Clocks, and the Ordering of Events in a Distributed
// System"), and records in a log of changes which filters it touched (change data capture). The router reads the
// revision in the transaction that will store the deliveries, and reads again the filters that the log names. If its
// revision is older than the log, it reads all filters. A filter that is switched off takes effect with the next
// message, on every node.
//
// After a destination is closed, nothing may be sent there. So closing locks out the transactions that store
// deliveries, and cancels the waiting deliveries in its own transaction (see Config.OnClose).
//
// What always holds:
//
//   - A method with a user's id reaches only data of that user: for the data of others it returns ErrNotFound.
//   - No notice goes to an address before its holder has proved to read it. A confirmed address has one owner.
//   - A destination gets one delivery of a message, however many filters reach it; the notice lists them all.
//   - A filter that cannot be evaluated matches nothing, and its owner sees why (fail closed).
//   - Secrets (codes, tokens, sessions) are stored as digests, live for a limited time, and are limited in rate.
//   - The amount that one person can store is bounded.
//
// This makes a user, and saves a filter for them:
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

	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/prefs/mute"
	"github.com/notifyd/notifyd/prefs/schedule"
	"github.com/notifyd/notifyd/prefs/surge"
	"github.com/notifyd/notifyd/rulespec"
)

// A User is a person who signs in. Name is the name on the bus. It means something where it is proved: see Me.
type User struct {
	ID    uint
	Name  string         // "": the person has no name yet
	Proof accounts.Proof // how the name came to be theirs
	Zone  string         // IANA time zone, e.g. Europe/Berlin; "" is UTC

	// Disabled is why nothing is sent and nobody may sign in; "" where the account is in use.
	Disabled   string
	DisabledBy string // accounts.ByOperator or accounts.ByUpstream

	Mutes []mute.Mute // what they do not want to hear of for a while; only those of a Subscription have them

	Quiet schedule.Quiet // for all destinations
	Pause schedule.Pause // the last one; the zero Pause: there was none

	zone *time.Location // of Zone, where the store has looked it up
}

// Me returns the name that @me in the user's filters stands for; "" where none is proved. claimed says that a name that
// somebody has chosen will do: see Config.ClaimedNames.
func (u User) Me(claimed bool) string {
	if !u.Proof.Proves(claimed) {
		return ""
	}
	return u.Name
}

// A Destination is one address of one person on one backend. Before Confirmed nothing but its confirmation is sent to
// it.
type Destination struct {
	ID        uint
	UserID    uint
	Backend   string
	Address   string
	Confirmed bool
	On        bool
	Account   string // of an IRC network's services, which had the address when it was confirmed; "": none
	Vouched   bool   // the directory says whose it is, and no code has confirmed it
	SignIn    bool   // a link that is mailed there signs its owner in; see LetsIn
	Disabled  string // why we stopped sending (refused by the server), shown to the user; "" when all is well
	OffReason string // why it is not On, where its owner has not switched it off; "" for nearly all
	Schedule  schedule.Schedule
	Quiet     schedule.Quiet    // beside those of its owner
	Options   map[string]string // about the looks of what is sent; what is not there has its default
	Cap       outbox.Cap        // how much comes at once; the zero Cap: as the site has it
}

// Hours are when nothing goes to the destination of a user.
func (d Destination) Hours(owner User) schedule.Hours {
	return schedule.Hours{Quiet: owner.Quiet.And(d.Quiet), Pause: owner.Pause, Zone: owner.Location()}
}

// Waits says why a delivery to the destination of a user waits, and until when.
func (d Destination) Waits(owner User, e outbox.Entry, now time.Time) string {
	return d.Hours(owner).Waits(e.Hold, e.DueAt, now, e.Notice.Severity == "critical" && e.Notice.Standing == "")
}

// LetsIn reports whether a link that is mailed there signs its owner in.
func (d Destination) LetsIn() bool { return d.Confirmed && d.SignIn && d.Disabled == "" }

// A Filter is a stored filter of a user. Rules may be broken (an unknown kind after a downgrade): then the filter
// never matches, and the page shows why.
type Filter struct {
	rulespec.Filter
	UserID       uint
	On           bool
	OneShot      bool   // switched off in the transaction of its first delivery
	Destinations []uint // ids, ascending; empty: all confirmed destinations of the user
	// HoldStarted is how long what says that a thing has begun is held, to be dropped when its end follows; 0: it is not.
	HoldStarted time.Duration
	// Ends is from when on it never matches; the zero time: it does not end.
	Ends time.Time
	// Schedules are those of its own, by the ids of destinations. Only SetSchedule sets them.
	Schedules map[uint]schedule.Schedule
	// OffReason is why an operator has switched it off, and OffBy who; "" where nobody has. Only Operators sets them.
	OffReason, OffBy string
	// Broken is the reason why the filter cannot match or reaches nobody; "" when all is well. Only the store sets
	// it.
	Broken string
	// Nameless says that Broken is for one reason only: the filter says @me, and the user's name is not proved.
	Nameless bool
}

// Ended reports whether the filter has ended by itself.
func (f Filter) Ended(now time.Time) bool { return !f.Ends.IsZero() && !now.Before(f.Ends) }

// A Subscription is a filter that is on, with the destinations it reaches: the input of Plan.
type Subscription struct {
	Filter       Filter
	User         User
	Destinations []Destination // confirmed, on and not disabled
	Everywhere   []Destination // that critical notices go to instead; nil: to Destinations
	Sentence     string        // the filter in words
	Revision     int64         // of the filter, as package revisions has it; 0: none is noted
	// Schedules are those of the filter, by the ids of destinations; for all others that of the destination holds.
	Schedules map[uint]schedule.Schedule
	Rate      surge.Rate // what is known of how many notices it usually has
}

// These are the errors that a caller acts on. None reveals whether somebody else has an account or an address.
var (
	ErrNotFound = errors.New("not found")                           // it does not exist, or belongs to somebody else
	ErrTaken    = errors.New("the name is taken")                   // of a user
	ErrClaimed  = errors.New("the address belongs to another user") // returned only after a proof of holding it
	ErrLastWay  = errors.New("nothing else lets the user in")
	ErrNoWayIn  = errors.New("nobody is let in by this address")    // its owner gets notices there, and no more
	ErrTooMany  = errors.New("there are too many of these already") // a bound on what one user stores
	ErrCode     = accounts.ErrCode                                  // a code or link is wrong, used or too old
)

// An Error is a mistake in a person's input, written for that person. Mistakes in rules are *rulespec.Error, those in
// schedules *schedule.Error.
type Error struct {
	Field   string // "name", "zone", "backend", "address", "destinations"
	Problem string
}

// Error returns the field and what is wrong with it.
func (e *Error) Error() string { return e.Field + ": " + e.Problem }

func problem(field, format string, args ...any) error {
	return &Error{Field: field, Problem: fmt.Sprintf(format, args...)}
}
