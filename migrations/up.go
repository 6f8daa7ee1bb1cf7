package migrations

import (
	"cmp"
	"context"
	"embed"
	"fmt"
	"io/fs"
	"time"

	"github.com/pressly/goose/v3"
)

//go:embed sqlite/*.sql postgres/*.sql
var files embed.FS

// table is where goose records the steps that were taken. The name is our own, so that a database that another
// program manages with goose does not look like ours.
const table = "notifyd_schema"

// stepsWithin is the longest time of the steps of one start; an index of a large table takes minutes.
const stepsWithin = 6 * time.Hour

// up brings the schema to the last step, each step in a transaction of its own.
func up(ctx context.Context, d *DB, c Config) error {
	if !d.Postgres {
		if err := waitForFile(ctx, d, c); err != nil {
			return err
		}
	}
	p, err := provider(d, goose.WithSessionLocker(sessionLock{c.log(), cmp.Or(c.LockWait, lockWait)}))
	if err != nil {
		return err
	}
	current, target, err := p.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("read schema version: %w", err)
	}
	if current > target {
		return fmt.Errorf("%w (schema %d, this version knows %d)", ErrNewer, current, target)
	}
	if current < target {
		c.log().Info("migrating the schema", "from", current, "to", target)
	}
	ctx, cancel := context.WithTimeout(ctx, stepsWithin) // longer than other statements may take: see watchful
	defer cancel()
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate schema: %w", err)
	}
	return nil
}

// provider makes goose's provider, which takes the steps. On PostgreSQL it holds the lock while it does so.
func provider(d *DB, lock ...goose.ProviderOption) (*goose.Provider, error) {
	dialect, dir := goose.DialectSQLite3, "sqlite"
	options := []goose.ProviderOption{goose.WithTableName(table)}
	if d.Postgres {
		dialect, dir = goose.DialectPostgres, "postgres"
		options = append(options, lock...)
	}
	sub, err := fs.Sub(files, dir)
	if err != nil {
		return nil, err
	}
	p, err := goose.NewProvider(dialect, d.writer, sub, options...)
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	return p, nil
}
