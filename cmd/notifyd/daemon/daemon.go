// Package daemon is what `notifyd serve` runs: it takes messages from the buses and brings notices to people.
//
// Open opens what the configuration names, Run runs it until the context ends, Close closes it. Between Open and Run
// nothing moves.
//
//	frames -> router: decode, describe, match, plan -> history + outbox (one transaction) -> outbox -> backends
//
// route.go is this flow on one page.
//
// # Goroutines
//
// Run starts groups of goroutines that stop together:
//   - intake: one a source. Each sends frames into one bounded channel.
//   - routing: the router. It alone owns the index of the filters, and writes what a batch of frames is owed.
//   - delivery: the outbox, which has workers of its own for each backend.
//   - the rest: connections that backends keep, the pages, and what watches files or prunes tables.
//
// The first goroutine that fails ends all of them. Nothing is shared but the stores, which are safe for concurrent use,
// and snapshots that are replaced whole: the catalogue and the directory.
//
// # The order of stopping
//
// Work flows downwards, so the daemon stops from the top: the sources first, then the router, which commits what was
// received, beside it the outbox, which ends the sends in hand, then connections and pages, and last the database. The
// times of these steps count from the signal (see stopPlan) and end within stop.within. What is stuck is named in the
// error and left behind. A killed daemon loses nothing that was committed: the next one takes it up.
package daemon

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"sync/atomic"
	"time"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/cmd/notifyd/config"
	"github.com/notifyd/notifyd/directory"
	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/internal/grace"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// dedupIDs is how many message ids the router remembers, to drop what two relays repeat before the database is asked.
const dedupIDs = 1 << 16

// Env is what the daemon may touch of the process.
type Env struct {
	Now     func() time.Time
	Stderr  io.Writer        // the log goes there
	Version string           // of the program
	Reload  <-chan os.Signal // each value asks Run to read the configuration again; nil: nobody asks
}

// A Service is a daemon with everything open.
type Service struct {
	env       Env
	settings  Settings // as of the start
	level     slog.LevelVar
	tuned     atomic.Pointer[tuning]
	started   *config.File // what settings are of
	current   *config.File // as last reloaded; belongs to reloads
	log       *slog.Logger
	metrics   *metrics
	lock      *os.File // nil on PostgreSQL
	db        *migrations.DB
	describer *describer
	watcher   *directory.Watcher // its value is nil while no directory is configured
	prefs     *prefs.Store
	history   *history.Store
	outbox    *outbox.Outbox
	backends  map[string]backends.Backend
	sources   map[string]bus.Source
	router    *router
	listeners []*listener
	ready     atomic.Bool
}

// ErrStopped is what Open gives when its context ends meanwhile: no failure, nothing had begun.
var ErrStopped = errors.New("stopped while starting")

// Open opens what the configuration names. On an error all that was open is closed again.
func Open(ctx context.Context, f *config.File, env Env) (*Service, error) {
	set, err := LoadSettings(f)
	if err != nil {
		return nil, err
	}
	s := &Service{env: env, settings: set, started: f, current: f, metrics: newMetrics(env.Version)}
	s.log = set.Log.logger(env.Stderr, &s.level)
	if err := s.tune(set); err != nil {
		return nil, err
	}
	for _, open := range []func() error{
		s.openDescriber,
		func() error { return s.openStores(ctx) },
		func() error { return s.openAdapters(f) },
		f.Unknown,
		func() error { return s.openRouter(ctx) },
		func() error { return s.openPages(ctx) },
	} {
		if err := open(); err != nil {
			if ctx.Err() != nil {
				err = ErrStopped
			}
			return nil, errors.Join(err, s.Close())
		}
	}
	s.warnOfExposed(f)
	s.metrics.watch(s)
	s.metrics.reloaded(env.Now(), true)
	return s, nil
}

// Prefs gives the store of preferences.
func (s *Service) Prefs() *prefs.Store { return s.prefs }

// Describe says what a message means, with the catalogue and the directory as they stand.
func (s *Service) Describe(m *bus.Message) *catalogue.Event { return s.describer.describe(m) }

// Close closes what Open has opened. It is called after Run has returned, or instead of Run.
func (s *Service) Close() error {
	var errs []error
	for _, l := range s.listeners {
		if err := l.listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	if s.db != nil {
		errs = append(errs, grace.Within(s.settings.stopPlan().close, "close database", s.db.Close))
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	return errors.Join(errs...)
}
