// Package control does what people say to notifyd where they read its notices: "mute 2h" on IRC, "stop" in answer to
// a mail.
//
// Whoever has an address may say what is done about it, and no more: who speaks is found by the address, which the
// medium vouches for, with the account of its network where one has confirmed it; or by a signed token in the answer to
// a mail. A stranger is told nothing. Every action is the one that the page or the signed link does, in the same
// transaction and with the same entry in the audit, and its answer says what was done and how to undo it.
//
//	answer, err := desk.Do(ctx, backends.Command{Backend: "irc", Address: "alice@libera", Text: "mute package 2d"})
//
// Parse is pure; a person's zone and the time go in, an Order comes out, or a Mistake that says what is understood.
package control

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/prefs/mute"
)

// A Desk does what people say.
type Desk struct {
	Accounts     *prefs.Accounts
	Destinations *prefs.Destinations
	Unsubscriber *prefs.Unsubscriber
	Filters      *prefs.Filters
	Mutes        *prefs.Mutes
	Outbox       Outbox

	// Guard says in a sentence what a mute would have silenced. nil: nobody knows.
	Guard func(ctx context.Context, user prefs.User, m mute.Mute) (string, error)
	// Changed is called after every change to what is delivered. nil: nobody waits for it.
	Changed func()

	Manage string           // the page where people change what they get; "": there are no pages
	Now    func() time.Time // the clock
	// Mailbox reports whether the addresses of a backend are mailboxes: then an address alone proves nothing.
	Mailbox func(backend string) bool
}

// A speaker is who has said something, and where.
type speaker struct {
	user prefs.User
	to   prefs.Destination
	zone *time.Location
	now  time.Time
	said backends.Command
	// byMail: a token in the answer to a mail proves it. Whoever was passed the mail has it too, so it starts nothing that
	// the owner has ended.
	byMail bool
}

// Do does what somebody says. Only the lines of the Answer are for that person; the error is for the log, and then
// nothing was done.
func (d *Desk) Do(ctx context.Context, c backends.Command) (backends.Answer, error) {
	who, err := d.who(ctx, c)
	if errors.Is(err, prefs.ErrNotFound) {
		return backends.Answer{}, nil
	}
	if err != nil {
		return backends.Answer{}, err
	}
	order, err := Parse(c.Text, who.now, who.zone)
	var mistake *Mistake
	if errors.As(err, &mistake) {
		return answer(mistake.Lines()...), nil
	}
	by := accounts.Actor{Kind: accounts.Said, ID: who.user.ID}
	lines, err := d.obey(accounts.WithActor(ctx, by), who, order)
	if errors.As(err, &mistake) {
		return answer(mistake.Lines()...), nil
	}
	if err != nil {
		return backends.Answer{}, fmt.Errorf("do what somebody said (%s): %w", order.Word, err)
	}
	if d.Changed != nil && changes[order.Word] {
		d.Changed()
	}
	return answer(lines...), nil
}

// changes are the words that change what is delivered.
var changes = map[string]bool{"mute": true, "unmute": true, "stop": true, "digest": true, "pause": true, "resume": true}

func answer(lines ...string) backends.Answer { return backends.Answer{Known: true, Lines: lines} }

// who finds who speaks. The error is prefs.ErrNotFound for a stranger.
func (d *Desk) who(ctx context.Context, c backends.Command) (who speaker, err error) {
	who = speaker{now: d.Now(), said: c, byMail: c.Destination != ""}
	if c.Destination != "" {
		who.to, err = d.destination(ctx, c.Destination)
	} else {
		who.to, err = d.at(ctx, c)
	}
	if err != nil {
		return speaker{}, err
	}
	if who.user, err = d.Accounts.User(ctx, who.to.UserID); err != nil {
		return speaker{}, err
	}
	if who.user.Disabled != "" {
		return speaker{}, prefs.ErrNotFound
	}
	who.zone = who.user.Location()
	return who, nil
}

// destination finds a confirmed destination by its key.
func (d *Desk) destination(ctx context.Context, key string) (prefs.Destination, error) {
	id, err := strconv.ParseUint(key, 10, 32)
	if err != nil {
		return prefs.Destination{}, prefs.ErrNotFound
	}
	owner, err := d.Destinations.Owner(ctx, uint(id))
	if err != nil {
		return prefs.Destination{}, err
	}
	to, err := d.Destinations.Get(ctx, owner, uint(id))
	if err == nil && !to.Confirmed {
		err = prefs.ErrNotFound
	}
	return to, err
}

// at finds the destination of an address that the medium vouches for.
func (d *Desk) at(ctx context.Context, c backends.Command) (prefs.Destination, error) {
	if c.Address == "" || d.Mailbox(c.Backend) {
		return prefs.Destination{}, prefs.ErrNotFound
	}
	found, _, err := d.Unsubscriber.Speakers(ctx, c.Backend, c.Address, c.Account)
	if err != nil {
		return prefs.Destination{}, err
	}
	if len(found) == 0 {
		return prefs.Destination{}, prefs.ErrNotFound
	}
	return found[0], nil // a confirmed address has one owner
}

// obey does what was ordered. The error is a *Mistake where it cannot be done.
func (d *Desk) obey(ctx context.Context, who speaker, o Order) ([]string, error) {
	switch o.Word {
	case "why":
		return d.why(ctx, who, o)
	case "last":
		return d.last(ctx, who, o)
	case "mute":
		return d.mute(ctx, who, o)
	case "unmute":
		return d.unmute(ctx, who, o)
	case "stop":
		return d.stop(ctx, who)
	case "digest":
		return d.digest(ctx, who, o)
	case "filters":
		return d.filters(ctx, who)
	case "status":
		return d.status(ctx, who)
	case "pause":
		return d.pause(ctx, who, o)
	case "resume":
		return d.resume(ctx, who)
	default:
		return d.help(), nil
	}
}

// An Outbox is what is owed: *outbox.Outbox.
type Outbox interface {
	Recent(ctx context.Context, destinations []string, before int64, limit int) ([]outbox.Entry, error)
	Find(ctx context.Context, q outbox.Query) ([]outbox.Entry, error)
	SendNow(ctx context.Context, destination string) error
	GoOn(ctx context.Context, destination string) error
}
