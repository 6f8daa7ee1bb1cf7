package migrations

import (
	"context"
	"embed"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed sqlite/*.sql postgres/*.sql
var files embed.FS

// table is where goose notes the steps it took. The name is ours: a database that another program manages with goose
// must not pass for one of our schema.
const table = "notifyd_schema"

// up brings the schema to the last step, each step in a transaction of its own.
func up(ctx context.Context, d *DB) error {
	p, err := provider(d)
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
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate schema: %w", err)
	}
	return nil
}

func provider(d *DB) (*goose.Provider, error) {
	dialect, dir := goose.DialectSQLite3, "sqlite"
	options := []goose.ProviderOption{goose.WithTableName(table)}
	if d.Postgres {
		dialect, dir = goose.DialectPostgres, "postgres"
		// tried each second for five minutes: nodes that start together wait for the one that migrates
		locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300))
		if err != nil {
			return nil, fmt.Errorf("make migration lock: %w", err)
		}
		options = append(options, goose.WithSessionLocker(locker))
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
