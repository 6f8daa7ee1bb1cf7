package migrations

import (
	"context"
	"errors"
	"fmt"
	"os"
)

// ErrOlder is the error for a database that still needs steps of this notifyd.
var ErrOlder = errors.New("the database has an older schema than this notifyd needs; " +
	"start the daemon of this version first")

// ErrEmpty is the error for a database in which no notifyd has made its tables.
var ErrEmpty = errors.New("the database holds no tables of notifyd yet; start the daemon once, which makes them")

// Join calls Config.Join with a Config that has only a DSN.
func Join(ctx context.Context, dsn string) (*DB, error) { return Config{DSN: dsn}.Join(ctx) }

// Look opens a database for a command that only reads: nothing is written, not even where the file could be. It needs
// the current schema, as Join does. The Writer of the DB is nil.
func (c Config) Look(ctx context.Context) (*DB, error) {
	c.look = true
	return c.Join(ctx)
}

// Join opens a database that a daemon may be using, for a command beside it. Unlike Open it makes no database and
// migrates nothing: the database must exist, with the current schema. On SQLite a write waits for the daemon's
// transactions, and the daemon for the command's, up to five seconds: keep them short.
func (c Config) Join(ctx context.Context) (*DB, error) {
	if !isPostgres(c.DSN) {
		if _, err := os.Stat(c.DSN); err != nil {
			return nil, fmt.Errorf("open database: %w", err)
		}
	}
	d, err := connect(c)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	if err := current(ctx, d); err != nil {
		return nil, errors.Join(fmt.Errorf("open database: %w", err), d.Close())
	}
	return d, nil
}

// Current checks that the schema is still the one of this program: a newer one may have migrated the database since it
// was opened. The error is then ErrNewer.
func (d *DB) Current(ctx context.Context) error { return current(ctx, d) }

// current checks that the schema is the one of this program.
func current(ctx context.Context, d *DB) error {
	p, err := provider(d)
	if err != nil {
		return err
	}
	steps := p.ListSources()
	target := steps[len(steps)-1].Version
	if !d.Reader.WithContext(ctx).Migrator().HasTable(table) && d.Reader.WithContext(ctx).Exec("SELECT 1").Error == nil {
		return ErrEmpty // not where the server is away, which the question about the version tells
	}
	var version int64
	query := "SELECT max(version_id) FROM " + table + " WHERE is_applied"
	err = d.Reader.WithContext(ctx).Raw(query).Scan(&version).Error
	switch {
	case err != nil:
		return fmt.Errorf("read schema version: %w", err)
	case version > target:
		return fmt.Errorf("%w (schema %d, this version knows %d)", ErrNewer, version, target)
	case version < target:
		return fmt.Errorf("%w (schema %d, this version needs %d)", ErrOlder, version, target)
	}
	some, err := d.IsAside(ctx)
	if err == nil && some {
		err = ErrAside
	}
	return err
}
