// Package operators is the pages of the people who help others and keep the site running.
//
// A helper finds an account, sees it as its owner does, and explains why a notice came or did not. An admin may also
// switch off filters and accounts, end sessions and delete. Whoever is neither gets 404 for all of it, as for a page
// that does not exist.
//
// # What protects whose account it is
//
//   - Each look at an account is noted before anything is shown, and its owner is told, on the page of changes and on
//     their first page.
//   - Helpers see addresses masked, and of changes no values. Nobody finds an account by a part of an address.
//   - What a visitor may not read on the bus they do not read here either.
//   - Each change is noted with its operator and tells the owner, by mail, what was done and why.
//   - What cannot be undone needs a fresh sign-in and the account's name typed.
//
// The views of an account are made by package web, by the functions that make its owner's own pages (visit.Owner).
package operators

import (
	"context"
	"time"

	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/prefs/passkeys"
	"github.com/notifyd/notifyd/web/visit"
)

// Options are what the pages work on.
type Options struct {
	BaseURL string // for links in mails

	People       *prefs.Operators
	Accounts     *prefs.Accounts
	Destinations *prefs.Destinations
	Filters      *prefs.Filters
	Logins       *accounts.Logins
	Invitations  *accounts.Invitations
	Passkeys     *passkeys.Store
	Audit        *accounts.Audit
	Outbox       *outbox.Outbox

	Role func(prefs.User) accounts.Role // as in web.Options
	// Queue stores a delivery and notifies the outbox, as in web.Options.
	Queue func(context.Context, outbox.Delivery) error

	InvitationLife time.Duration // how long an invitation can be taken up

	// Budgets are those of mail about accounts, for the whole site; nil: they are not shown.
	Budgets func(context.Context) ([]accounts.Budget, error)

	Sources     func() []Source    // of messages; nil: they are not shown
	Directories func() []Directory // of groups and owners; nil: they are not shown
}

// A Source is where messages come from, as `notifyd status` shows it.
type Source struct {
	Name, Address string
	State         string // connected, not connected, silent, standby, ended
	Last          time.Time
	Received      int64 // since the start
	Holes         int64 // messages that are missing and still asked for
}

// Down reports whether somebody should look at it.
func (s Source) Down() bool { return s.State == "not connected" || s.State == "silent" }

// A Directory is one source of groups, owners and people.
type Directory struct {
	Name   string
	Loaded time.Time // when what is in use now came; zero: nothing ever came
	Tried  time.Time // when it was asked last
	Error  string    // of the last attempt; "": it went well
}

// Pages are all of them.
func Pages(o Options) []visit.Page {
	const account = "/operators/accounts/{id}"
	helper := func(pattern string, serve func(*visit.Visit) (*visit.View, error)) visit.Page {
		return visit.Page{Pattern: pattern, For: visit.Helpers, Serve: serve}
	}
	admin := func(pattern string, serve func(*visit.Visit) (*visit.View, error)) visit.Page {
		return visit.Page{Pattern: pattern, For: visit.Admins, Serve: serve}
	}
	fresh := func(p visit.Page) visit.Page { p.Fresh = true; return p }
	return []visit.Page{
		helper("GET /operators", o.find),
		helper("GET /operators/stopped", o.stopped),
		helper("GET /operators/queue", o.queue),
		helper("GET /operators/sources", o.sources),
		helper("GET "+account, o.account),
		helper("GET "+account+"/message", o.message),
		admin("POST "+account+"/filters/{filter}/off", o.switchOff),
		admin("POST "+account+"/sessions/end", o.endSessions),
		fresh(admin("POST "+account+"/passkeys/reset", o.resetPasskeys)),
		admin("POST "+account+"/disable", o.disable),
		admin("POST "+account+"/enable", o.enable),
		fresh(admin("GET "+account+"/name", o.askName)),
		fresh(admin("POST "+account+"/name", o.name)),
		helper("GET /operators/invitations", o.invited),
		admin("POST /operators/invitations", o.invite),
		admin("POST /operators/invitations/withdraw", o.withdraw),
		admin("POST /operators/queue/resend", o.resend),
		fresh(admin("GET "+account+"/delete", o.askDelete)),
		fresh(admin("POST "+account+"/delete", o.delete)),
	}
}

// tab is the entry of the navigation that all of them belong to.
const tab = "operators"
