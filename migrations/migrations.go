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
	"strings"

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

// Open connects to the database that dsn names and brings it to the current schema. A dsn is the path of an SQLite
// file, or a postgres:// URL. Several processes may open one new PostgreSQL database at once: one migrates, the others
// wait. Open honours ctx; its errors do not hold the URL, which may hold a password.
func Open(ctx context.Context, dsn string) (*DB, error) {
	d, err := connect(dsn)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	if err := up(ctx, d); err != nil {
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

func connect(dsn string) (*DB, error) {
	if strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://") {
		return connectPostgres(dsn)
	}
	return connectSQLite(dsn)
}
