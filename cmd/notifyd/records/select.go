package records

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/notifyd/notifyd/cmd/notifyd/archive"
	"github.com/notifyd/notifyd/cmd/notifyd/config"
	"github.com/notifyd/notifyd/cmd/notifyd/daemon"
	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/migrations"
)

// An Env is the part of the process that these commands may use.
type Env struct {
	Ctx            context.Context
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Now            func() time.Time
	Config         func() (*config.File, error)
}

// windowFlags are a time.
type windowFlags struct {
	Since  string `aliases:"start" placeholder:"WHEN" help:"Only what was sent since then: 90m, 2d, 2026-11-29, 2026-11-29T08:00, or seconds since 1970. Times without a zone are UTC."`
	Before string `aliases:"end" placeholder:"WHEN" help:"Only what was sent up to then."`
}

// window fills in the bounds of a Selection.
func (f windowFlags) window(e *Env, sel *history.Selection) (err error) {
	now := e.Now().UTC()
	if f.Since != "" {
		if sel.Since, err = archive.Moment(f.Since, now); err != nil {
			return fmt.Errorf("--since: %w", err)
		}
	}
	if f.Before != "" {
		if sel.Until, err = archive.Moment(f.Before, now); err != nil {
			return fmt.Errorf("--before: %w", err)
		}
	}
	return nil
}

// selectFlags pick messages as datagrepper's parameters do.
type selectFlags struct {
	windowFlags
	User        []string `sep:"none" placeholder:"NAME" help:"Only messages that concern this person. This and the next flags are repeatable: any of the values of one flag, and all flags."`
	Agent       []string `sep:"none" placeholder:"NAME" help:"Only what this person did."`
	Package     []string `sep:"none" placeholder:"NAME" help:"Only about this package."`
	Category    []string `sep:"none" placeholder:"NAME" help:"Only of this category: the fourth word of the topic."`
	Topic       []string `sep:"none" placeholder:"TOPIC" help:"Only of this topic, the whole of it."`
	Contains    []string `sep:"none" placeholder:"TEXT" help:"Only with this text in the content, as Python writes JSON. It reads all that the other flags select."`
	NotUser     []string `sep:"none" placeholder:"NAME" help:"None that concern this person."`
	NotAgent    []string `sep:"none" placeholder:"NAME" help:"Nothing that this person did."`
	NotPackage  []string `sep:"none" placeholder:"NAME" help:"None about this package."`
	NotCategory []string `sep:"none" placeholder:"NAME" help:"None of this category."`
	NotTopic    []string `sep:"none" placeholder:"TOPIC" help:"None of this topic."`
}

func (f selectFlags) query(e *Env) (q Query, err error) {
	q.Contains = f.Contains
	q.Selection = history.Selection{
		Users: history.Choice{Any: f.User, None: f.NotUser}, Actors: history.Choice{Any: f.Agent, None: f.NotAgent},
		Packages:   history.Choice{Any: f.Package, None: f.NotPackage},
		Categories: history.Choice{Any: f.Category, None: f.NotCategory},
		Topics:     history.Choice{Any: f.Topic, None: f.NotTopic},
	}
	return q, f.window(e, &q.Selection)
}

// withHistory runs f on the history that the configuration names. Nothing can be written.
func withHistory(e *Env, f func(db *migrations.DB, store *history.Store) error) error {
	file, err := e.Config()
	if err != nil {
		return err
	}
	set, err := daemon.LoadSettings(file)
	if err != nil {
		return err
	}
	db, err := migrations.Config{DSN: set.Database.DSN, Name: "notifyd history"}.Look(e.Ctx)
	if err != nil {
		return err
	}
	return errors.Join(f(db, history.NewStore(db.Reader, db.Reader, e.Now)), db.Close())
}
