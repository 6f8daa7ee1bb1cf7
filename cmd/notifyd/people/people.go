// Package people is what the commands `notifyd user`, `filter` and `destination` do with the accounts of people.
//
// A command asks, and a Desk answers. The Desk stands in the daemon where that runs on an SQLite file, behind a Unix
// socket (socket.go), so that one process writes and what it keeps in memory stays true. Otherwise the command makes a
// Desk of its own on the database. Both ways an Ask and its answer are the same JSON, so the commands print the same.
//
// Whoever may ask is the user that the daemon runs as, or root: they could read and write the database as well. Every
// change is noted in the audit as that of an operator at the command line, by the name that the machine has for them.
package people

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/accounts"
)

// An Ask is a verb, and what it is about. A verb takes the fields that it needs.
type Ask struct {
	Verb     string            `json:"verb"`               // such as "user.show"
	User     string            `json:"user,omitempty"`     // who: see Desk.find
	ID       uint              `json:"id,omitempty"`       // of a filter, a destination, a token
	Text     string            `json:"text,omitempty"`     // a new name, a reason
	From     string            `json:"from,omitempty"`     // an issuer of before; Text is that of now
	Subjects map[string]string `json:"subjects,omitempty"` // of before and of now
	For      time.Duration     `json:"for,omitempty"`      // how long something lasts
	Only     []string          `json:"only,omitempty"`     // what a list is restricted to
	Since    time.Time         `json:"since,omitzero"`     // of the audit
	After    uint              `json:"after,omitempty"`    // the next page of a list: ids above this one
	Entries  int64             `json:"entries,omitempty"`  // the next page of the audit: entries after this one
	To       []string          `json:"to,omitempty"`       // addresses that a message came to
	Message  []byte            `json:"message,omitempty"`  // that came back
}

// A Fault is an error for whoever asks, with the exit status of the command.
type Fault struct {
	Status int    `json:"status"`
	Text   string `json:"text"`
}

// These are the statuses of faults. 2 is wrong usage, which the command line finds itself.
const (
	Failed   = 1
	Config   = 78 // what is asked for is not configured (sysexits.h)
	NotThere = 3  // no such person, filter or destination; or several that were meant
)

// Error returns the text.
func (f *Fault) Error() string { return f.Text }

// ExitStatus ends the command with the status.
func (f *Fault) ExitStatus() int { return f.Status }

func fault(status int, format string, args ...any) error {
	return &Fault{Status: status, Text: fmt.Sprintf(format, args...)}
}

// A Desk answers. Fields without a word are needed.
type Desk struct {
	Prefs    *prefs.Store
	Backends []backends.Info
	Export   func(ctx context.Context, w io.Writer, userID uint) error // personal.Exporter.Write
	Role     func(prefs.User) accounts.Role                            // nil: everybody is a user
	Claimed  func() bool                                               // names that people chose count; nil: no
	Changed  func()                                                    // told that what is delivered has changed
	Queue    func(ctx context.Context, d outbox.Delivery) error        // how owners are told; nil: they are not
	BaseURL  string                                                    // of the pages; "": there are none
	Receive  func(context.Context, Ask) (backends.Received, error)     // takes what came back; nil: nobody does
	Now      func() time.Time
}

// verbs are all that can be asked.
var verbs = map[string]func(*Desk, context.Context, Ask) (any, error){
	"user.list": (*Desk).listUsers, "user.show": (*Desk).showUser, "user.rename": (*Desk).renameUser,
	"user.disable": (*Desk).disableUser, "user.enable": (*Desk).enableUser, "user.assign": (*Desk).assignName,
	"user.free": (*Desk).freeName, "user.rebind": (*Desk).rebind, "user.invite": (*Desk).invite,
	"user.invitations": (*Desk).listInvitations, "user.withdraw": (*Desk).withdraw,
	"user.delete": (*Desk).deleteUser, "user.end-sessions": (*Desk).endSessions, "user.audit": (*Desk).audit,
	"user.reset-passkeys": (*Desk).resetPasskeys, "user.let-in": (*Desk).letIn,
	"token.list": (*Desk).listTokens, "token.new": (*Desk).newToken, "token.revoke": (*Desk).revokeToken,
	"filter.list": (*Desk).listFilters, "filter.show": (*Desk).showFilter, "filter.off": (*Desk).filterOff,
	"destination.list": (*Desk).listDestinations, "destination.show": (*Desk).showDestination,
	"destination.on": (*Desk).destinationOn, "destination.off": (*Desk).destinationOff,
	"destination.delete": (*Desk).deleteDestination,
	"mail.receive":       (*Desk).receive,
}

// Answer does what is asked, and returns the answer as JSON. operator is who asks, by the name on the machine. Errors
// for whoever asks are Faults.
func (d *Desk) Answer(ctx context.Context, operator string, a Ask) (json.RawMessage, error) {
	do := verbs[a.Verb]
	if do == nil {
		return nil, fault(Failed, "the daemon knows no %q: is it another version?", a.Verb)
	}
	got, err := do(d, asOperator(ctx, operator), a)
	if err != nil {
		return nil, explain(err)
	}
	return json.Marshal(got)
}

// Archive writes everything that is stored about a person, and notes that it was done.
func (d *Desk) Archive(ctx context.Context, operator string, w io.Writer, who string) error {
	ctx = asOperator(ctx, operator)
	u, err := d.find(ctx, who)
	if err != nil {
		return explain(err)
	}
	if err := d.Prefs.Accounts.NoteExport(ctx, u.ID); err != nil {
		return explain(err)
	}
	err = d.tell(ctx, u.ID, "An operator has exported what is stored about you",
		"Everything that is stored about your account was written into a file.", "/settings/history")
	if err != nil {
		return explain(err)
	}
	return explain(d.Export(ctx, w, u.ID))
}

// receive takes what came back of a mail.
func (d *Desk) receive(ctx context.Context, a Ask) (any, error) {
	got, err := backends.Received{}, error(backends.ErrNoReturns)
	if d.Receive != nil {
		got, err = d.Receive(ctx, a)
	}
	if errors.Is(err, backends.ErrNoReturns) {
		return nil, fault(Config, "%v", err)
	}
	return got, err
}

func asOperator(ctx context.Context, name string) context.Context {
	return accounts.WithActor(ctx, accounts.Actor{Kind: accounts.Command, Name: name})
}

// explain makes Faults of errors that say what whoever asks did wrong.
func explain(err error) error {
	var f *Fault
	var wrong *prefs.Error
	switch {
	case err == nil, errors.As(err, &f):
		return err
	case errors.Is(err, prefs.ErrNotFound):
		return fault(NotThere, "there is none")
	case errors.As(err, &wrong):
		return fault(Failed, "%s", wrong.Error())
	case errors.Is(err, prefs.ErrTaken), errors.Is(err, prefs.ErrTooMany):
		return fault(Failed, "%v", err)
	}
	return err
}
