// Package migrations is the schema: one SQL file a step for each dialect, embedded, and the opening of a database.
//
// gorm models live in the rooms that own them (prefs, history, outbox); the test here proves that models and schema
// agree on both dialects. gorm's AutoMigrate is never used on a real database.
package migrations

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/pressly/goose/v3"
	"gorm.io/driver/postgres"
	"gorm.io/driver/sqlite"
	"gorm.io/gorm"

	_ "github.com/jackc/pgx/v5/stdlib" // database/sql driver "pgx"
	_ "modernc.org/sqlite"             // database/sql driver "sqlite", pure Go
)

//go:embed sqlite/*.sql postgres/*.sql
var files embed.FS

// A DB is an open database with the current schema. On SQLite Writer has one connection, so that writers queue in Go
// and never meet SQLITE_BUSY, and Reader has several that cannot write; on PostgreSQL the two are the same pool.
type DB struct {
	Writer, Reader *gorm.DB
	Postgres       bool
	pools          []*sql.DB
}

// ErrNewer says that the database was written by a newer notifyd; nothing was changed.
var ErrNewer = errors.New("the database has a newer schema than this notifyd knows; install the newer version again or restore a backup")

// Open connects to the database that dsn names and brings it to the current schema. A dsn is the path of an SQLite
// file, or a postgres:// URL. Open honours ctx.
func Open(ctx context.Context, dsn string) (*DB, error) {
	d, err := connect(dsn)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	if err := up(ctx, d); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// Close closes both pools.
func (d *DB) Close() error {
	var errs []error
	for _, p := range d.pools {
		errs = append(errs, p.Close())
	}
	return errors.Join(errs...)
}

func connect(dsn string) (*DB, error) {
	if strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://") {
		return connectPostgres(dsn)
	}
	return connectSQLite(dsn)
}

func connectPostgres(dsn string) (*DB, error) {
	pool, err := sql.Open("pgx", dsn)
	if err != nil {
		return nil, errors.New("the postgres URL cannot be parsed") // the driver's text may hold the password
	}
	pool.SetMaxOpenConns(16)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	g, err := gorm.Open(postgres.New(postgres.Config{Conn: pool}), gormConfig())
	if err != nil {
		return nil, errors.Join(err, pool.Close())
	}
	return &DB{Writer: g, Reader: g, Postgres: true, pools: []*sql.DB{pool}}, nil
}

// connectSQLite opens two pools on one file: see DB. WAL with synchronous=FULL: a committed transaction survives
// a power cut, which is what "nothing is lost" means.
func connectSQLite(path string) (*DB, error) {
	const common = "?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(2)&_pragma=foreign_keys(1)"
	writer, err := sql.Open("sqlite", "file:"+escapePath(path)+common+"&_txlock=immediate")
	if err != nil {
		return nil, err
	}
	writer.SetMaxOpenConns(1)
	reader, err := sql.Open("sqlite", "file:"+escapePath(path)+common+"&_pragma=query_only(1)")
	if err != nil {
		return nil, errors.Join(err, writer.Close())
	}
	reader.SetMaxOpenConns(4)
	d := &DB{pools: []*sql.DB{reader, writer}}
	if d.Writer, err = gorm.Open(sqlite.New(sqlite.Config{DriverName: "sqlite", Conn: writer}), gormConfig()); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	if d.Reader, err = gorm.Open(sqlite.New(sqlite.Config{DriverName: "sqlite", Conn: reader}), gormConfig()); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// escapePath keeps a path with ?, # or % from being read as the query of a URI (SQLite, "URI Filenames").
func escapePath(path string) string {
	return strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(path)
}

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
	if d.Postgres {
		dialect, dir = goose.DialectPostgres, "postgres"
	}
	sub, err := fs.Sub(files, dir)
	if err != nil {
		return nil, err
	}
	pool := d.pools[len(d.pools)-1] // the writer
	p, err := goose.NewProvider(dialect, pool, sub)
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	return p, nil
}
