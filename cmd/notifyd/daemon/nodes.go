package daemon

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/cmd/notifyd/daemon/nodes"
	"github.com/notifyd/notifyd/cmd/notifyd/leases"
	"github.com/notifyd/notifyd/cmd/notifyd/say"
	"github.com/notifyd/notifyd/internal/backoff"
	"github.com/notifyd/notifyd/migrations"
)

// nodes.go is about who works on a database: one daemon on an SQLite file, several on PostgreSQL. doc/architecture.md
// says what each of those does, and what one at a time does.

// leaseConns is how many connections leases have for themselves, so that no other statement holds a renewal up.
const leaseConns = 2

// openLeases gives this node a name, and opens its leases.
func (s *Service) openLeases(ctx context.Context) error {
	var run [4]byte
	if _, err := rand.Read(run[:]); err != nil {
		return fmt.Errorf("name this node: %w", err)
	}
	config := leases.Config{
		Node: thisProcess() + ", run " + hex.EncodeToString(run[:]), Version: s.env.Version, Now: s.env.Now, Log: s.log,
	}
	if s.db.Postgres {
		var err error
		database := migrations.Config{DSN: s.settings.Database.DSN, Name: thisProcess(), Log: s.log}
		if s.leaseDB, err = database.Join(ctx); err != nil {
			return err
		}
		pool, err := s.leaseDB.Writer.DB()
		if err != nil {
			return err
		}
		pool.SetMaxOpenConns(leaseConns)
		config.DB = s.leaseDB.Writer
	}
	s.leases = leases.Open(config)
	return nil
}

// schemaLooked is how often a node looks whether another one has migrated the database.
const schemaLooked = 5 * time.Second

// watchSchema ends this node when a newer notifyd has migrated the database: what it would write may be wrong by then.
func (s *Service) watchSchema(ctx context.Context) error {
	if s.leaseDB == nil {
		return nil
	}
	for backoff.Sleep(ctx, schemaLooked) {
		limit, cancel := context.WithTimeout(ctx, schemaLooked)
		err := s.leaseDB.Current(limit)
		cancel()
		if errors.Is(err, migrations.ErrNewer) {
			return err
		}
	}
	return nil
}

// once makes of a loop one that runs on one node at a time, under the lease of a name.
func (s *Service) once(name string, run func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error { return s.leases.While(ctx, name, run) }
}

// onceInTime is once for a loop that goes by the clock.
func (s *Service) onceInTime(name string, run func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error { return s.leases.InTime(ctx, name, run) }
}

// maySend reports whether this node sends by a backend now.
func (s *Service) maySend(backend string) bool {
	b := s.backends[backend]
	return b == nil || backends.OnEveryNode(b) || s.leases.Held(leaseOfBackend(backend))
}

func leaseOfBackend(name string) string { return "backend " + name }

// startBackends starts the backends that have work of their own.
func (s *Service) startBackends(rest *runGroup) {
	for name, backend := range s.backends {
		r, ok := backend.(backends.Runner)
		switch {
		case !ok:
		case backends.OnEveryNode(backend):
			rest.start("backend "+name, r.Run)
		default:
			rest.start("backend "+name, s.once(leaseOfBackend(name), r.Run))
		}
	}
}

// thisProcess returns the name of the daemon that others see: in the lock of an SQLite file, and in pg_stat_activity
// of PostgreSQL, which cuts it at 63 bytes.
func thisProcess() string {
	host, err := os.Hostname()
	if err != nil {
		host = "an unknown host"
	}
	return fmt.Sprintf("notifyd serve, process %d at %s", os.Getpid(), host)
}

// IsPostgres reports whether a dsn is of PostgreSQL, not of SQLite.
func IsPostgres(dsn string) bool {
	return strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://")
}

// openFeed lets outlets get what all nodes receive, where there can be several and somebody can subscribe here. Then
// the router hands nothing on.
func (s *Service) openFeed() {
	r := s.router
	if !s.db.Postgres || len(r.outputs)+len(r.repeaters) == 0 {
		return
	}
	repeaters := r.repeaters
	byName := map[string][]bus.Repeater{}
	for name, source := range s.sources {
		if repeater, ok := source.(bus.Repeater); ok {
			repeater.RepeatOnly()
			for _, frames := range sourceNames(map[string]bus.Source{name: source}) {
				byName[frames] = append(byName[frames], repeater)
			}
		}
	}
	s.feed = nodes.NewFeed(nodes.Feed{
		History: s.history, Outputs: r.outputs, Log: s.log, Own: func(source string) bool { return source == say.Name },
		Repeat: func(source string, own bool) []bus.Repeater {
			if own {
				return repeaters
			}
			return byName[source]
		},
	})
	r.outputs, r.repeaters, r.stored = nil, nil, s.feed.Wake
}

// sums gives digests of what should be the same on all nodes: files, and what the one node with a lease does for all by
// its own configuration.
func (s *Service) sums() map[string]string {
	all := map[string]string{}
	for name, sum := range map[string][sha256.Size]byte{
		"directory": s.directory.FileSum(), "catalogue": s.describer.watcher.Sum(),
	} {
		all[name] = hex.EncodeToString(sum[:])
		if sum == sha256.Sum256(nil) {
			all[name] = ""
		}
	}
	for name, value := range map[string]any{
		"history of the configuration":        s.tuned.Load().history,
		"reports of the configuration":        s.settings.Reports,
		"accounts.names of the configuration": s.settings.Accounts.Names,
		"web.base_url of the configuration":   s.settings.Web.BaseURL,
		"names of buses and backends": []any{slices.Sorted(maps.Keys(s.sources)), slices.Sorted(maps.Keys(s.bridges)),
			slices.Sorted(maps.Keys(s.backends))},
	} {
		sum := sha256.Sum256(fmt.Append(nil, value))
		all[name] = hex.EncodeToString(sum[:])
	}
	return all
}
