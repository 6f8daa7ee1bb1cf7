package verbs

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"os"
	"syscall"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/backends"
	backendall "github.com/notifyd/notifyd/backends/all"
	"github.com/notifyd/notifyd/cmd/notifyd/config"
	"github.com/notifyd/notifyd/cmd/notifyd/daemon"
	settings "github.com/notifyd/notifyd/cmd/notifyd/daemon/accounts"
	"github.com/notifyd/notifyd/cmd/notifyd/people"
	"github.com/notifyd/notifyd/cmd/notifyd/records"
	"github.com/notifyd/notifyd/cmd/notifyd/say"
	"github.com/notifyd/notifyd/directory"
	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/prefs/erasure"
	"github.com/notifyd/notifyd/prefs/personal"
	"github.com/notifyd/notifyd/web/security"
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
	return join(e, f, set)
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
func join(e *records.Env, f *config.File, set daemon.Settings) (people.Line, error) {
	catalogue, _, err := set.LoadCatalogue()
	if err != nil {
		return nil, err
	}
	snapshot, err := set.Directory.Alone()
	if err != nil {
		return nil, err
	}
	db, err := migrations.Config{DSN: set.Database.DSN, Name: "notifyd user"}.Join(e.Ctx)
	if err != nil {
		return nil, err
	}
	box := outbox.New(db.Writer, db.Reader, db.Postgres, set.Outbox.Config(), e.Now, rand.Reader)
	log := slog.New(slog.NewTextHandler(e.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	j := &joined{Env: e, set: set, db: db, box: box, configured: configured(f), directory: snapshot}
	eraser := &erasure.Eraser{Writer: db.Writer, Scrub: db.Scrub, Lasting: db.Postgres, Outbox: box,
		Backends: backendall.Infos(), Now: e.Now, Log: log}
	voice := say.New(say.Config{Prefix: set.Publish.Prefix, Env: set.Publish.Env, Events: set.Publish.Events,
		Store: history.NewStore(db.Writer, db.Reader, e.Now), Now: e.Now, Log: log})
	letters := security.Letters{Mailed: func() *accounts.Mailed { return j.store.Mailed }, BaseURL: set.Web.BaseURL,
		Add: j.add, Now: e.Now, Configured: func() []backends.Info { return j.configured }}
	j.store = prefs.Open(prefs.Config{
		Writer: db.Writer, Reader: db.Reader, Now: e.Now, Random: rand.Reader, KnowsKind: catalogue.KnownKinds(),
		ObjectsOf: catalogue.ObjectsOf, Log: log,
		OnClose: func(tx *gorm.DB, destinations []string, why string) error {
			_, err := box.Cancel(tx, destinations, why)
			return err
		},
		OnErase: eraser.Erase, AfterErase: eraser.AtOnce, OnMerge: box.Redirect, OnChange: voice.Changed,
		Told: letters.Told, ClaimedNames: set.Accounts.ClaimedNames, OnHold: box.Hold, Policy: set.Accounts.Policy,
		Roles: set.Accounts.Roles, People: func() accounts.People { return settings.People{Snapshot: snapshot} },
	})
	desk := j.desk()
	desk.Receive = j.receive(f, log)
	return people.Own(desk, db.Close), nil
}

// A joined is a database that a command works on.
type joined struct {
	*records.Env
	set        daemon.Settings
	db         *migrations.DB
	box        *outbox.Outbox
	store      *prefs.Store
	configured []backends.Info
	directory  *directory.Snapshot // as it is without the database: nil where none is configured
}

// role is what a user may do beyond their own account, as far as the directory is known here.
func (j *joined) role(u prefs.User) accounts.Role {
	find := settings.RoleFinder{Roles: j.set.Accounts.Roles, Accounts: j.store.Accounts,
		Directory: func() *directory.Snapshot { return j.directory }}
	role, err := find.Of(j.Ctx, u)
	if err != nil {
		return accounts.User
	}
	return role
}

// configured are the backends that have a section in the configuration, and those that need none.
func configured(f *config.File) (list []backends.Info) {
	for _, info := range backendall.Infos() {
		if info.Agent != "" || f.Has("backends."+info.Name) {
			list = append(list, info)
		}
	}
	return list
}

// add stores deliveries, which the daemon finds within seconds.
func (j *joined) add(tx *gorm.DB, list []outbox.Delivery) error {
	_, err := j.box.Add(tx, list)
	return err
}

func (j *joined) queue(ctx context.Context, d outbox.Delivery) error {
	return j.db.Writer.WithContext(ctx).Transaction(func(tx *gorm.DB) error { return j.add(tx, []outbox.Delivery{d}) })
}

func (j *joined) desk() *people.Desk {
	exporter := &personal.Exporter{Reader: j.db.Reader, Prefs: j.store, Backends: backendall.Infos(), Now: j.Now,
		Facts: func(u prefs.User) map[string]any {
			return personal.Facts(u, j.set.Accounts.ClaimedNames(), j.role(u).String())
		}}
	desk := &people.Desk{Prefs: j.store, Backends: backendall.Infos(), Export: exporter.Write, Now: j.Now, Queue: j.queue,
		Claimed: j.set.Accounts.ClaimedNames, Role: j.role}
	if j.set.Web.Listen != "" {
		desk.BaseURL = j.set.Web.BaseURL
	}
	return desk
}
