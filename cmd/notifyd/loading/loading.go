// Package loading puts archives into the history, for `notifyd history import`.
//
// Texts are read by one goroutine, become messages with their meaning on all processors, and are stored by one more, in
// the order in which they were read. What is imported is history and nothing else: no filter is asked, nobody is told,
// no bridge waits for it. It is judged as what an archive says: late, and from somebody else than its source.
//
// It may be killed at any time, and begun again: what is stored is known by its ids and left as it is.
//
// On SQLite it takes the file for itself where no daemon runs, and puts the indexes of the history aside while more
// comes in than was there. Beside a daemon it works in short transactions and leaves as much time between them.
package loading

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strings"

	"github.com/notifyd/notifyd/bus/trust"
	"github.com/notifyd/notifyd/cmd/notifyd/daemon"
	"github.com/notifyd/notifyd/cmd/notifyd/lock"
	"github.com/notifyd/notifyd/cmd/notifyd/records"
	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/migrations"
)

// Cmd is `notifyd history import`.
type Cmd struct {
	Files  []string `arg:"" optional:"" name:"file" placeholder:"FILE" help:"Archives; - is standard input. Gzip is recognised."`
	Source string   `default:"import" placeholder:"NAME" help:"The source under which they are kept (default: ${default})."`
	From   string   `placeholder:"URL" help:"Instead of files: a datagrepper, such as https://apps.example.org/datagrepper, page by page."`
	Start  string   `placeholder:"WHEN" help:"With --from: what was sent since then: 90m, 2d, 2026-11-29, 2026-11-29T08:00, or seconds since 1970, in UTC."`
	End    string   `placeholder:"WHEN" help:"With --from: what was sent up to then (default: now)."`
	Over   bool     `name:"over-bounds" help:"Go on where history.keep_bytes or history.source_bytes is reached. The daemon then deletes the oldest."`
}

// Help is the rest of the help text.
func (*Cmd) Help() string {
	return `A file has a message a line, in the form of fedmsg, of fedora-messaging or of datagrepper's records, a page of
datagrepper a line, or one JSON list of them, over any number of lines: what history export, datanommer-dump,
fedora-messaging record and curl write.

What is there already is found by its id and stays as it is: an import that was interrupted is run again. A text that
is no message is named on standard error and left out. Nobody is notified of anything.

A file that cannot be read to its end gives what stands before that place; the files behind it are read all the same.

Exit status: 0 all is in the history; 1 it could not go on, or some texts or files were left out.`
}

// Run imports.
func (c *Cmd) Run(e *records.Env) (err error) {
	read, err := c.reader(e)
	if err != nil {
		return err
	}
	file, err := e.Config()
	if err != nil {
		return err
	}
	set, err := daemon.LoadSettings(file)
	if err != nil {
		return err
	}
	verifier, err := trust.Open(set.Trust)
	if err != nil {
		return file.InSection("bus.trust", err)
	}
	book, _, err := set.LoadCatalogue()
	if err != nil {
		return err
	}
	db, alone, done, err := open(e, set.Database.DSN)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	store := history.NewStore(db.Writer, db.Reader, e.Now)
	s := &storer{db: db, store: store, alone: alone, say: e.Stderr, now: e.Now, began: e.Now()}
	if !c.Over {
		s.most, s.mostOfSource = int64(set.History.KeepBytes), int64(set.History.SourceBytes)
	}
	if err := s.begin(e.Ctx, c.Source, c.weight()); err != nil {
		return err
	}
	fmt.Fprintf(e.Stderr, "note: what is imported counts as received today, and is deleted in %s (history.keep)\n",
		set.History.Keep)
	defer debug.SetGCPercent(debug.SetGCPercent(gcPercent))
	m := &maker{source: c.Source, store: store, verifier: verifier, catalogue: book, now: e.Now}
	var torn error // what was read before is stored
	err = flow(e.Ctx, m, func(ctx context.Context, hand func(context.Context, block) error) error {
		torn = read(ctx, hand)
		return ctx.Err()
	}, s.take)
	if err == nil {
		err = torn
	}
	return errors.Join(err, s.end(context.WithoutCancel(e.Ctx), err == nil || err == torn))
}

// gcPercent lets more garbage stand than usual: nearly all that is made is soon garbage, and some 90 MB live, which are
// the messages on their way. What is remembered lives too, 144 MB of five million messages: with gcPercent there would
// be 700 MB of garbage beside all that. With gcPercentOfMany it is 120 MB, and the collector has about five times the
// work, since it goes through the messages on their way more often.
const (
	gcPercent       = 300
	gcPercentOfMany = 50
)

// weight estimates the bytes of the files; 0 where nobody knows.
func (c *Cmd) weight() (sum int64) {
	for _, name := range c.Files {
		info, err := os.Stat(name)
		if err != nil || !info.Mode().IsRegular() {
			return 0
		}
		bytes := info.Size()
		if strings.HasSuffix(name, ".gz") {
			bytes *= 5
		}
		sum += bytes
	}
	return sum
}

// A reader hands over all blocks.
type reader func(ctx context.Context, hand func(context.Context, block) error) error

func (c *Cmd) reader(e *records.Env) (reader, error) {
	switch {
	case c.From != "" && len(c.Files) > 0:
		return nil, errors.New("name files or --from, not both")
	case c.From != "":
		return c.remote(e)
	case c.Start != "" || c.End != "":
		return nil, errors.New("--start and --end belong to --from")
	case len(c.Files) == 0:
		return nil, errors.New("name a file, or - for standard input, or a datagrepper with --from")
	}
	return func(ctx context.Context, hand func(context.Context, block) error) error {
		var all error
		for _, name := range c.Files {
			if err := readFile(ctx, name, e.Stdin, hand); err != nil {
				all = errors.Join(all, err)
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
		return all
	}, nil
}

// open opens the database. alone: nobody else uses it, and nobody will.
func open(e *records.Env, dsn string) (db *migrations.DB, alone bool, done func() error, err error) {
	config := migrations.Config{DSN: dsn, Name: "notifyd history import", Bare: true}
	if daemon.IsPostgres(dsn) {
		if db, err = config.Join(e.Ctx); err != nil {
			return nil, false, nil, err
		}
		return db, false, db.Close, nil
	}
	held, err := lock.Take(dsn, fmt.Sprintf("notifyd history import, process %d", os.Getpid()))
	switch {
	case lock.IsTaken(err):
		if db, err = config.Join(e.Ctx); err != nil {
			return nil, false, nil, err
		}
		return db, false, db.Close, nil
	case err != nil:
		return nil, false, nil, err
	}
	if db, err = config.Open(e.Ctx); err != nil {
		return nil, false, nil, errors.Join(err, held.Close())
	}
	return db, true, func() error { return errors.Join(db.Close(), held.Close()) }, nil
}
