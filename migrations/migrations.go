// Package migrations is the schema: one SQL file a step for each dialect, embedded, and the opening of a database.
//
// gorm models live in the rooms that own them (prefs, history, outbox); a test here proves that models and schema
// agree on both dialects. gorm's AutoMigrate is never used on a real database: on SQLite it rebuilds tables.
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

	writer, reader *sql.DB // what gorm works on; reader is nil where it is the same pool
}

// ErrNewer says that the database was written by a newer notifyd; nothing was changed.
var ErrNewer = errors.New("the database has a newer schema than this notifyd knows; " +
	"install the newer version again or restore a backup")

// A Config says which database to open, and how. Only DSN is needed.
type Config struct {
	DSN      string        // the path of an SQLite file, or a postgres:// URL
	Name     string        // what PostgreSQL calls our sessions, where the URL has no application_name; "": notifyd
	LockWait time.Duration // how long Open waits while another process migrates; 0: a minute
	Log      *slog.Logger  // nil: silent
}

func (c Config) log() *slog.Logger {
	if c.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return c.Log
}

// Open is Config.Open of a dsn alone.
func Open(ctx context.Context, dsn string) (*DB, error) { return Config{DSN: dsn}.Open(ctx) }

// Open connects to the database and brings it to the current schema. Several processes may open one new PostgreSQL
// database at once: one migrates, the others wait, and say for whom. Open honours ctx; its errors do not hold the URL,
// which may hold a password.
func (c Config) Open(ctx context.Context) (*DB, error) {
	d, err := connect(c)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	if err := up(ctx, d, c); err != nil {
		return nil, errors.Join(fmt.Errorf("open database: %w", err), d.Close())
	}
	return d, nil
}

// Close closes the pools, and waits for statements that run.
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
	return connectSQLite(c.DSN)
}

func isPostgres(dsn string) bool {
	return strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://")
}
