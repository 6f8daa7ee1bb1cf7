package daemon

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
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

// Lock keeps a second daemon off an SQLite file, and a daemon off a command that needs the file for itself. At its
// start the outbox takes over the sends that an earlier process had in hand, and another running process must not lose
// its own that way. On PostgreSQL leases do this. The lock ends with the process, also after kill -9; the file stays.
// name is what others are told of the holder. An error that IsLocked means that somebody else has it.
func Lock(dsn, name string) (*os.File, error) {
	if isPostgres(dsn) {
		return nil, nil
	}
	path := dsn
	if target, err := filepath.EvalSymlinks(dsn); err == nil { // one file, one lock
		path = target
	}
	file, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock database: %w", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		err = fmt.Errorf("another notifyd runs on %s (%s): %w", dsn, readHolder(file), err)
		return nil, errors.Join(err, file.Close())
	}
	if err := writeHolder(file, name); err != nil {
		return nil, errors.Join(fmt.Errorf("lock database: %w", err), file.Close())
	}
	return file, nil
}

// IsLocked reports whether an error of Lock says that another process has the lock.
func IsLocked(err error) bool { return errors.Is(err, syscall.EWOULDBLOCK) }

// maxHolder bounds what is read of the name of the lock's holder, in bytes.
const maxHolder = 256

// writeHolder writes into the lock file which process holds the lock.
func writeHolder(file *os.File, name string) error {
	if err := file.Truncate(0); err != nil {
		return err
	}
	_, err := file.WriteAt([]byte(name+"\n"), 0)
	return err
}

// readHolder returns the process that holds the lock, in words.
func readHolder(file *os.File) string {
	text, err := io.ReadAll(io.LimitReader(file, maxHolder))
	if err != nil {
		return err.Error()
	}
	return cmp.Or(strings.TrimSpace(string(text)), "it does not say which") // an older notifyd writes nothing
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

// isPostgres reports whether a dsn is of PostgreSQL, not of SQLite.
func isPostgres(dsn string) bool {
	return strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://")
}

// IsPostgres reports whether a dsn is of PostgreSQL, not of SQLite.
func IsPostgres(dsn string) bool { return isPostgres(dsn) }

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

// sums gives what this node reads from files of its own, which should be the same on all nodes.
func (s *Service) sums() map[string]string {
	all := map[string]string{}
	for name, sum := range map[string][sha256.Size]byte{
		"directory": s.watcher.Sum(), "catalogue": s.describer.watcher.Sum(),
	} {
		all[name] = hex.EncodeToString(sum[:])
		if sum == sha256.Sum256(nil) {
			all[name] = ""
		}
	}
	return all
}
