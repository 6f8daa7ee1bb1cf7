package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/cmd/notifyd/daemon"
	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/returned"
)

// queueCmd is `notifyd queue`: the waiting deliveries, and those that were given up. It works on the configured
// database, beside the daemon or without one.
type queueCmd struct {
	List   queueListCmd   `cmd:"" help:"List what was given up, or waits, and count it by reason."`
	Show   queueShowCmd   `cmd:"" help:"Show one delivery whole."`
	Resend queueResendCmd `cmd:"" help:"Send again what was given up."`
	Drop   queueDropCmd   `cmd:"" help:"Delete what was given up."`

	Returned queueReturnedCmd `cmd:"" help:"Count what came back of mails: refused later, called unwanted, answered."`
}

// queueReturnedCmd is `notifyd queue returned`.
type queueReturnedCmd struct {
	Since time.Duration `default:"168h" placeholder:"TIME" help:"How far back to count, at most 2160h (default: ${default})."`
}

// Run counts what came back, by kind.
func (c *queueReturnedCmd) Run(e *env) error {
	return withQueue(e, func(q *queue) error {
		all, err := returned.Counts(q.db.Reader.WithContext(e.ctx), e.now().Add(-c.Since))
		if err == nil && len(all) == 0 {
			fmt.Fprintln(e.stdout, "nothing came back")
		}
		for _, one := range all {
			fmt.Fprintf(e.stdout, "%-10s %7d of %s\n", one.Kind, one.Mails,
				text.Plural(one.Destinations, "destination", "destinations"))
		}
		return err
	})
}

// queueFlags pick deliveries.
type queueFlags struct {
	Backend     string        `placeholder:"NAME" help:"Only of this backend: email, irc, desktop."`
	Destination string        `placeholder:"ID" help:"Only for this destination, by its number."`
	User        string        `placeholder:"NAME" help:"Only for the destinations that this user has."`
	Reason      string        `placeholder:"TEXT" help:"Only with an error that has this in it."`
	OlderThan   time.Duration `placeholder:"24h" help:"Only what was given up (or, if it waits, was added) longer ago than this."`
	NewerThan   time.Duration `placeholder:"1h" help:"Only what was given up (or, if it waits, was added) more recently than this."`
}

// empty reports that no flag selects deliveries: then `resend` and `drop` require --all.
func (f *queueFlags) empty() bool { return *f == queueFlags{} }

// A queue holds the stores that the commands work on.
type queue struct {
	db           *migrations.DB
	accounts     *prefs.Accounts
	destinations *prefs.Destinations
	outbox       *outbox.Outbox
}

// openQueue joins the database that the configuration names. It does not take the lock that keeps a second daemon off
// an SQLite file: the lock is about sending, and these commands send nothing.
func openQueue(e *env) (*queue, error) {
	f, err := openConfig(e)
	if err != nil {
		return nil, err
	}
	set, err := daemon.LoadSettings(f)
	if err != nil {
		return nil, err
	}
	db, err := migrations.Config{DSN: set.Database.DSN, Name: "notifyd queue"}.Join(e.ctx)
	if err != nil {
		return nil, err
	}
	people := prefs.Open(prefs.Config{Writer: db.Writer, Reader: db.Reader, Now: e.now, Random: rand.Reader})
	config := set.Outbox.Config()
	config.Explain = func(tx *gorm.DB, asked []outbox.Unexplained) ([]outbox.Explained, error) {
		return people.Reasons.Explain(tx, asked, nil) // the links in what it shows would be old before they are read
	}
	return &queue{
		db: db, accounts: people.Accounts, destinations: people.Destinations,
		outbox: outbox.New(db.Writer, db.Reader, db.Postgres, config, e.now, rand.Reader),
	}, nil
}

// withQueue runs f on the queue and closes it.
func withQueue(e *env, f func(q *queue) error) error {
	q, err := openQueue(e)
	if err != nil {
		return err
	}
	return errors.Join(f(q), q.db.Close())
}

// query turns flags into a query to the outbox.
func (q *queue) query(e *env, f queueFlags, state outbox.State) (outbox.Query, error) {
	query := outbox.Query{State: state, Backend: f.Backend, Reason: f.Reason}
	if f.OlderThan != 0 {
		query.Until = e.now().Add(-f.OlderThan)
	}
	if f.NewerThan != 0 {
		query.From = e.now().Add(-f.NewerThan)
	}
	if f.Destination != "" {
		query.Destinations = []string{f.Destination}
	}
	if f.User == "" {
		return query, nil
	}
	user, err := q.accounts.ByName(e.ctx, f.User)
	if errors.Is(err, prefs.ErrNotFound) {
		return query, fmt.Errorf("there is no user %q", f.User)
	}
	if err != nil {
		return query, err
	}
	own, err := q.destinations.List(e.ctx, user.ID)
	if err != nil {
		return query, err
	}
	keys := []string{}
	for _, d := range own {
		if key := prefs.Key(d.ID); f.Destination == "" || f.Destination == key {
			keys = append(keys, key)
		}
	}
	query.Destinations = keys
	return query, nil
}

// maxPicked bounds how many deliveries one command sends again or drops.
const maxPicked = 100_000

// A picked is the part of a delivery that `resend` and `drop` need.
type picked struct {
	id          int64
	destination string
}

// pick returns all deliveries that a query finds, oldest first.
func (q *queue) pick(e *env, query outbox.Query) ([]picked, error) {
	var all []picked
	for {
		found, err := q.outbox.Find(e.ctx, query)
		if err != nil {
			return nil, err
		}
		for _, one := range found {
			all = append(all, picked{one.ID, one.Destination})
			query.Before = one.ID
		}
		if len(found) == 0 || len(all) > maxPicked {
			break
		}
	}
	if len(all) > maxPicked {
		return nil, fmt.Errorf("more than %d deliveries; pick fewer", maxPicked)
	}
	slices.Reverse(all)
	return all, nil
}

// line makes a text of the database fit on one line of a terminal.
func line(text string) string {
	return visible(strings.Join(strings.Fields(text), " "))
}
