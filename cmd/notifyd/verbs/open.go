package verbs

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"syscall"

	"gorm.io/gorm"

	backendall "github.com/notifyd/notifyd/backends/all"
	"github.com/notifyd/notifyd/cmd/notifyd/daemon"
	"github.com/notifyd/notifyd/cmd/notifyd/people"
	"github.com/notifyd/notifyd/cmd/notifyd/records"
	"github.com/notifyd/notifyd/cmd/notifyd/say"
	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/erasure"
	"github.com/notifyd/notifyd/prefs/personal"
)

// open returns a line to the daemon, where one answers at the admin socket. Otherwise it joins the database: also
// beside a daemon, in short transactions, as `notifyd queue` does.
func open(e *records.Env) (people.Line, error) {
	f, err := e.Config()
	if err != nil {
		return nil, err
	}
	set, err := daemon.LoadSettings(f)
	if err != nil {
		return nil, err
	}
	if path := set.AdminSocket(); path != "" {
		line, err := people.Dial(e.Ctx, path, holderOf(set.Database.DSN))
		if !errors.Is(err, people.ErrNoDaemon) {
			return line, err
		}
	}
	return join(e, set)
}

// holderOf returns the uid of a database file; -1 where there is none.
func holderOf(file string) int {
	if info, err := os.Stat(file); err == nil {
		if stat, ok := info.Sys().(*syscall.Stat_t); ok {
			return int(stat.Uid)
		}
	}
	return -1
}

// join opens the database, and what a change of it needs.
func join(e *records.Env, set daemon.Settings) (people.Line, error) {
	catalogue, _, err := set.LoadCatalogue()
	if err != nil {
		return nil, err
	}
	db, err := migrations.Config{DSN: set.Database.DSN, Name: "notifyd user"}.Join(e.Ctx)
	if err != nil {
		return nil, err
	}
	box := outbox.New(db.Writer, db.Reader, db.Postgres, set.Outbox.Config(), e.Now, rand.Reader)
	log := slog.New(slog.NewTextHandler(e.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	eraser := &erasure.Eraser{Writer: db.Writer, Scrub: db.Scrub, Lasting: db.Postgres, Outbox: box,
		Backends: backendall.Infos(), Now: e.Now, Log: log}
	voice := say.New(say.Config{Prefix: set.Publish.Prefix, Env: set.Publish.Env, Events: set.Publish.Events,
		Store: history.NewStore(db.Writer, db.Reader, e.Now), Now: e.Now, Log: log})
	store := prefs.Open(prefs.Config{
		Writer: db.Writer, Reader: db.Reader, Now: e.Now, Random: rand.Reader, KnowsKind: catalogue.KnownKinds(),
		OnClose: func(tx *gorm.DB, destinations []string, why string) error {
			_, err := box.Cancel(tx, destinations, why)
			return err
		},
		OnErase: eraser.Erase, AfterErase: eraser.AtOnce, OnChange: voice.Changed,
	})
	exporter := &personal.Exporter{Reader: db.Reader, Prefs: store, Backends: backendall.Infos(), Now: e.Now}
	return people.Own(&people.Desk{Prefs: store, Backends: backendall.Infos(), Export: exporter.Write, Now: e.Now},
		func() error {
			if err := db.Close(); err != nil {
				return fmt.Errorf("close database: %w", err)
			}
			return nil
		}), nil
}
