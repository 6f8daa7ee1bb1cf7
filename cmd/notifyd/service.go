package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/backends/desktop"
	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/cmd/notifyd/config"
	"github.com/notifyd/notifyd/directory"
	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/rules"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// maxRecent is how many message ids the router remembers, to drop what two relays repeat before the database is asked.
const maxRecent = 1 << 16

// A service is the daemon with everything open and nothing running yet.
type service struct {
	settings  settings
	log       *slog.Logger
	metrics   *metrics
	lock      *os.File // nil on PostgreSQL
	db        *migrations.DB
	meaning   *meaning
	watcher   *directory.Watcher // nil: no directory is configured
	prefs     *prefs.Store
	history   *history.Store
	outbox    *outbox.Outbox
	backends  map[string]backends.Backend
	feed      *desktop.Feed
	sources   map[string]bus.Source
	router    *router
	listeners []*listener
	ready     atomic.Bool
}

// errStopped says that the daemon was told to stop while it was starting: no failure, nothing had begun.
var errStopped = errors.New("stopped while starting")

// newService opens what the configuration names. On an error all that was open is closed again.
func newService(ctx context.Context, f *config.File, e *env) (*service, error) {
	set, err := loadSettings(f)
	if err != nil {
		return nil, err
	}
	s := &service{settings: set, log: set.Log.logger(e.stderr), metrics: newMetrics(version())}
	for _, open := range []func() error{
		func() error { return s.openMeaning() },
		func() error { return s.openStores(ctx, e) },
		func() error { return s.openEdges(f, e) },
		func() error { return f.Unknown() },
		func() error { return s.openRouter(ctx, e) },
		func() error { return s.openPages(ctx, e) },
	} {
		if err := open(); err != nil {
			if ctx.Err() != nil {
				err = errStopped
			}
			return nil, errors.Join(err, s.close())
		}
	}
	s.metrics.watch(s)
	return s, nil
}

// close closes what newService has opened; everything that run started has ended by then.
func (s *service) close() error {
	var errs []error
	for _, l := range s.listeners {
		if err := l.listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	if s.db != nil {
		errs = append(errs, within(s.settings.stopPlan().close, "close database", s.db.Close))
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	return errors.Join(errs...)
}

// within gives do so long: closing waits for statements, and a database that hangs must not keep the process.
func within(limit time.Duration, what string, do func() error) error {
	done := make(chan error, 1)
	go func() { done <- do() }()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case err := <-done:
		return err
	case <-timer.C:
		return fmt.Errorf("%s: not within %s", what, limit)
	}
}

func (s *service) openMeaning() error {
	set := s.settings.Catalogue
	watcher, err := catalogue.Watch(folder(set.Folder), set.Check, s.log)
	if err != nil {
		return fmt.Errorf("load catalogue: %w", err)
	}
	s.meaning = &meaning{watcher: watcher, directory: s.directory}
	if s.settings.Directory.File == "" {
		return nil
	}
	if s.watcher, err = directory.Watch(s.settings.Directory.File, s.settings.Directory.Check, s.log); err != nil {
		return fmt.Errorf("load directory: %w", err)
	}
	return nil
}

// directory gives the snapshot as it stands; nil when there is none.
func (s *service) directory() *directory.Snapshot {
	if s.watcher == nil {
		return nil
	}
	return s.watcher.Load()
}

func (s *service) openStores(ctx context.Context, e *env) error {
	var err error
	if s.lock, err = lockDatabase(s.settings.Database.DSN); err != nil {
		return err
	}
	if s.db, err = migrations.Open(ctx, s.settings.Database.DSN); err != nil {
		return err
	}
	s.prefs = prefs.NewStore(s.db.Writer, s.db.Reader, e.now, rand.Reader)
	s.prefs.Say(s.meaning.sentence)
	s.prefs.Offer(func(f prefs.Filter) bool { return len(rulespec.Missing(f.Filter, asDirectory(s.directory()))) == 0 })
	s.history = history.NewStore(s.db.Writer, s.db.Reader, e.now)
	config := s.settings.Outbox.config()
	plan := s.settings.stopPlan()
	config.Drain, config.Finish = plan.drain, plan.flow-plan.drain
	config.Log = s.log
	config.OnGone = s.gone
	s.outbox = outbox.New(s.db.Writer, s.db.Reader, s.db.Postgres, config, e.now, rand.Reader)
	s.prefs.OnClosed(func(tx *gorm.DB, destinations []string, why string) error {
		_, err := s.outbox.Cancel(tx, destinations, why)
		return err
	})
	return nil
}

// gone switches off a destination that will never take anything, and what waits for it; its owner sees why on the page.
// Of one that was deleted while a notice was on its way there, what waits is left to end.
func (s *service) gone(ctx context.Context, destination, reason string) {
	id, err := strconv.ParseUint(destination, 10, 64)
	if err != nil {
		return // account mail to an address that is no destination yet
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	err = s.prefs.DisableDestination(ctx, uint(id), reason)
	if errors.Is(err, prefs.ErrNotFound) {
		err = s.outbox.Withdraw(ctx, destination, "the destination was deleted")
	}
	if err != nil {
		s.log.Error("cannot switch off a destination that is gone", "destination", id, "error", err)
	}
}

func (s *service) openRouter(ctx context.Context, e *env) error {
	base := s.settings.Web.BaseURL
	if s.settings.Web.Listen == "" {
		base = "" // nobody would answer
	}
	links, err := s.prefs.Links(ctx, strings.TrimSuffix(base, "/"))
	if err != nil {
		return fmt.Errorf("open links: %w", err)
	}
	s.router = &router{
		db: s.db.Writer, prefs: s.prefs, history: s.history, outbox: s.outbox, meaning: s.meaning,
		directory: s.directory, links: links, metrics: s.metrics, now: e.now, log: s.log,
		recent: bus.NewRecent(maxRecent), silent: map[string]silence{}, fresh: make(chan *rules.Index, 1),
	}
	if path := s.settings.snapshot(); path != "" {
		database, err := s.prefs.Identity(ctx)
		if err != nil {
			return fmt.Errorf("read identity of the database: %w", err)
		}
		s.router.snapshots = &snapshots{
			path: path, program: thisProgram(), database: database, store: s.prefs, now: e.now, log: s.log,
		}
	}
	return nil
}

// listen opens a port for handler, with a bound on the connections.
func (s *service) listen(ctx context.Context, what, address string, most int, handler http.Handler) error {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("listen for %s: %w", what, err)
	}
	s.log.Info("listening", "for", what, "address", l.Addr().String())
	s.listeners = append(s.listeners, &listener{limitConnections(l, most), handler})
	return nil
}
