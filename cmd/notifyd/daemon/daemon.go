// Package daemon implements `notifyd serve`: it receives messages from the buses and delivers notices to people.
//
// Open opens the sources, the backends and the database that the configuration names. Run routes messages until the
// context ends. Close closes everything. Before Run no message moves.
//
//	frames -> router: decode, judge, describe, match, plan -> history + outbox (one transaction) -> outbox -> backends
//
// route.go is this flow on one page.
//
// # Goroutines
//
// Run starts groups of goroutines that stop together:
//   - intake: one a source, what fills holes, and what notifyd itself says. Each puts frames into the Intake, a bounded
//     queue for each.
//   - routing: the router. It alone owns the index of the filters, and stores the deliveries of each batch of frames.
//   - delivery: the outbox, with separate workers for each backend.
//   - feeding: on PostgreSQL, what gives outlets the messages of all nodes.
//   - the rest: outlets, bridges, connections that backends keep, the pages, and the loops that watch files or prune
//     tables.
//
// The first goroutine that fails ends all of them. The goroutines share only the stores, what is known of holes and of
// silences, which are safe for concurrent use, and snapshots that are replaced whole: catalogue, directory, trust.
//
// # The order of stopping
//
// The daemon stops in the order in which work flows. First the sources stop. Then the router commits the frames that
// were received, while the outbox finishes the sends in hand. Then outlets get what was committed last. Then
// connections and pages close, and last the database. The times of these steps count from the signal (see stopPlan)
// and end within stop.within. A part that does not stop in time is named in the error and abandoned. A killed daemon
// loses nothing that was committed: the next start continues with it.
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
	"github.com/notifyd/notifyd/bus/trust"
	"github.com/notifyd/notifyd/cmd/notifyd/carrier"
	"github.com/notifyd/notifyd/cmd/notifyd/config"
	"github.com/notifyd/notifyd/cmd/notifyd/daemon/accounts"
	"github.com/notifyd/notifyd/cmd/notifyd/daemon/directories"
	"github.com/notifyd/notifyd/cmd/notifyd/daemon/holes"
	"github.com/notifyd/notifyd/cmd/notifyd/daemon/nodes"
	"github.com/notifyd/notifyd/cmd/notifyd/daemon/storms"
	"github.com/notifyd/notifyd/cmd/notifyd/leases"
	"github.com/notifyd/notifyd/cmd/notifyd/say"
	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/history/report"
	"github.com/notifyd/notifyd/internal/grace"
	"github.com/notifyd/notifyd/internal/watch"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/erasure"
	"github.com/notifyd/notifyd/rulespec/catalogue"
	"github.com/notifyd/notifyd/web/mutes"
	"github.com/notifyd/notifyd/web/signin"
)

// dedupIDs is the number of messages that the router remembers. With them it drops what two relays repeat before
// it queries the database.
const dedupIDs = 1 << 16

// Env is the part of the process that the daemon may use.
type Env struct {
	Now     func() time.Time
	Stderr  io.Writer        // the log goes there
	Version string           // of the program
	Reload  <-chan os.Signal // each value makes Run read the configuration again; nil: never
}

// A Service is a daemon that has opened everything.
type Service struct {
	env       Env
	settings  Settings // as of the start
	level     slog.LevelVar
	tuned     atomic.Pointer[tuning]
	started   *config.File // the configuration that settings were decoded from
	current   *config.File // as last reloaded; belongs to reloads
	log       *slog.Logger
	metrics   *metrics
	lock      *os.File // nil on PostgreSQL
	db        *migrations.DB
	leaseDB   *migrations.DB // the same database, with connections of its own; nil on SQLite
	leases    *leases.Leases
	listening *nodes.Sources // which of sources this node runs
	describer *describer
	trust     *watch.Watcher[*trust.Verifier]
	signer    *watch.Watcher[*trust.Signer] // its value is nil while bus.publish names no certificate
	directory *directories.Directories
	prefs     *prefs.Store
	keeper    *accounts.Keeper
	guard     *mutes.Guard // what a mute would silence
	ways      *signin.Ways // in, beside the mailed link; nil: there are none
	eraser    *erasure.Eraser
	rescuer   *storms.Rescuer
	history   *history.Store
	outbox    *outbox.Outbox
	backends  map[string]backends.Backend
	sources   map[string]bus.Source
	outlets   map[string]bus.Outlet
	bridges   map[string]bus.OpenBridge
	carriers  []*carrier.Carrier // one a bridge
	holes     *holes.Tracker
	archives  map[string][]bus.Archive // of the publishers themselves, by source
	router    *router
	voice     *say.Voice
	reports   *watch.Watcher[*report.Set]
	desk      *report.Desk // makes reports
	silences  *say.Silences
	feed      *nodes.Feed  // what outlets get on PostgreSQL; nil where the router gives it to them
	files     *nodes.Files // compares directories and catalogues; nil on SQLite
	ears      *nodes.Ears  // what this node hears, for the one that looks for silences; nil on SQLite
	listeners []*listener
	admin     net.Listener // the socket for commands; nil: none
	ready     atomic.Bool
}

// ErrStopped is the error of Open when its context ends while it works. It is no failure: nothing had begun.
var ErrStopped = errors.New("stopped while starting")

// Open opens what the configuration names. On an error it closes again whatever it had opened.
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
		func() error { return s.openDirectories(ctx, f) },
		func() error { return s.openAdapters(f) },
		func() error { return s.openHoles(ctx) },
		func() error { return s.openTrust(f) },
		func() error { return s.openSigner(f) },
		f.Unknown,
		func() error { return s.openCarriers(ctx) },
		func() error { return s.openRouter(ctx) },
		func() error { return s.silences.Restore(ctx) },
		s.openReports,
		func() error { return s.openPages(ctx) },
		func() error { return s.openAdmin(ctx) },
		func() error { return s.bindAll(ctx) },
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

// Prefs returns the store of preferences.
func (s *Service) Prefs() *prefs.Store { return s.prefs }

// Describe returns what a message means, by the current catalogue and directory.
func (s *Service) Describe(m *bus.Message) *catalogue.Event { return s.describer.describe(m) }

// Close closes what Open has opened. Call it after Run has returned, or instead of Run.
func (s *Service) Close() error {
	var errs []error
	for _, l := range s.listeners {
		if err := l.listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	if s.admin != nil {
		if err := s.admin.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	for _, b := range s.binders() {
		errs = append(errs, b.Close())
	}
	if s.leaseDB != nil {
		errs = append(errs, grace.Within(s.settings.stopPlan().close, "close connections of leases", s.leaseDB.Close))
	}
	if s.db != nil {
		errs = append(errs, grace.Within(s.settings.stopPlan().close, "close database", s.db.Close))
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	return errors.Join(errs...)
}
