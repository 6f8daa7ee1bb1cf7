// Package migrations contains the schema of the database, and opens databases.
//
// The schema is a list of steps, as schema migration tools have it (https://pressly.github.io/goose). A step is two
// files of one name, sqlite/NNNNN_words.sql and postgres/NNNNN_words.sql, each with a way up and a way down. Open
// takes the steps that a database has not taken yet, each in a transaction of its own. The table notifyd_schema
// remembers them. A step that was released is never changed: a later step corrects its mistakes.
//
// The types differ: an int64 is an integer on SQLite and a bigint on PostgreSQL, a bool numeric and boolean, bytes blob
// and bytea.
//
//	-- +goose Up
//	-- the purpose of the column, and its unit
//	ALTER TABLE users ADD COLUMN colour text NOT NULL DEFAULT '';
//
//	-- +goose Down
//	ALTER TABLE users DROP COLUMN colour;
//
// The rooms that own the tables (prefs, history, outbox, backends/desktop) read and write them through models of
// gorm: a new column needs a field in the model of its table, a new table a model in the Models of its room. The
// tests here compare the steps of both dialects and the models with each other. gorm itself never changes a schema:
// its AutoMigrate rebuilds tables on SQLite, and has no way back.
//
// Some rules hold for every table. Times are integers, microseconds since 1970 in UTC. No column is null. If a row's
// id can appear outside (in a link, in a mail), it is never used again.
//
// Open migrates, as the daemon does. Join opens a database beside a daemon, and changes no schema;
// Look changes nothing at all. Package migratest
// provides tests with an empty database of either dialect.
package migrations

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"gorm.io/gorm"
)

// A DB is an open database with the current schema. On SQLite Writer has one connection, so that writers queue in Go
// and never meet SQLITE_BUSY, and Reader has several that cannot write; on PostgreSQL the two are the same pool.
type DB struct {
	Writer, Reader *gorm.DB
	Postgres       bool

	writer, reader *sql.DB // the pools behind gorm; reader is nil where both are one pool
}

// ErrNewer is the error for a database that a newer notifyd has migrated. Open has not changed it.
var ErrNewer = errors.New("the database has a newer schema than this notifyd knows; " +
	"install the newer version again or restore a backup")

// A Config selects a database and the way to open it. Only DSN is required.
type Config struct {
	DSN      string        // the path of an SQLite file, or a postgres:// URL
	Name     string        // the name of our sessions in PostgreSQL, where the URL has no application_name; "": notifyd
	LockWait time.Duration // how long Open waits while another process migrates; 0: a minute
	Log      *slog.Logger  // nil: silent
	Bare     bool          // Open leaves the indexes aside that are so: see SetAside

	look bool // nothing is written
}

func (c Config) log() *slog.Logger {
	if c.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return c.Log
}

// Open calls Config.Open with a Config that has only a DSN.
func Open(ctx context.Context, dsn string) (*DB, error) { return Config{DSN: dsn}.Open(ctx) }

// Open connects to the database and brings it to the current schema. Several processes may open one new PostgreSQL
// database at once: one migrates, and the others wait and log which process they wait for. Open ends with ctx. Its
// errors do not contain the URL, in which a password may be.
func (c Config) Open(ctx context.Context) (*DB, error) {
	d, err := connect(c)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	if err := putRight(ctx, d, c); err != nil {
		return nil, errors.Join(fmt.Errorf("open database: %w", err), d.Close())
	}
	if err := up(ctx, d, c); err != nil {
		return nil, errors.Join(fmt.Errorf("open database: %w", err), d.Close())
	}
	return d, nil
}

// Close waits for the statements that run, and closes the pools.
func (d *DB) Close() error {
	if d.reader == nil {
		return d.writer.Close()
	}
	return errors.Join(d.reader.Close(), d.writer.Close()) // the writer last: it truncates the write-ahead log
}

func connect(c Config) (*DB, error) {
	if isPostgres(c.DSN) {
		return connectPostgres(c)
	}
	if c.look {
		return lookAtSQLite(c.DSN)
	}
	return connectSQLite(c.DSN)
}

func isPostgres(dsn string) bool {
	return strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://")
}
