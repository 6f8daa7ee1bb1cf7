package migrations_test

import (
	"context"
	"database/sql"
	"strings"
	"testing"

	"gorm.io/driver/postgres"
	"gorm.io/driver/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
	"gorm.io/gorm/migrator"

	"github.com/notifyd/notifyd/migrations"
)

// recording returns a handle whose statements go through rec.
func recording(t *testing.T, d *migrations.DB, rec *recorder) *gorm.DB {
	t.Helper()
	dialector := gorm.Dialector(unquoting{&sqlite.Dialector{DriverName: "sqlite", Conn: rec}})
	if d.Postgres {
		dialector = postgres.New(postgres.Config{Conn: rec})
	}
	g, err := gorm.Open(dialector, &gorm.Config{Logger: logger.Discard, SkipDefaultTransaction: true})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// unquoting is gorm's dialect of SQLite, which reads DEFAULT 'x' with its quotes, and compares it with the tag without.
type unquoting struct{ *sqlite.Dialector }

func (u unquoting) Migrator(db *gorm.DB) gorm.Migrator {
	return unquotingMigrator{u.Dialector.Migrator(db).(sqlite.Migrator)}
}

type unquotingMigrator struct{ sqlite.Migrator }

func (u unquotingMigrator) ColumnTypes(model any) ([]gorm.ColumnType, error) {
	types, err := u.Migrator.ColumnTypes(model)
	for i, t := range types {
		if c, ok := t.(migrator.ColumnType); ok {
			c.DefaultValueValue.String = strings.Trim(c.DefaultValueValue.String, "'")
			types[i] = c
		}
	}
	return types, err
}

// A recorder is a pool that records statements which would change something, and does not run them.
type recorder struct {
	*sql.DB
	statements []string
}

func (r *recorder) ExecContext(_ context.Context, query string, _ ...any) (sql.Result, error) {
	r.statements = append(r.statements, query)
	return result{}, nil
}

// BeginTx stays in the same recorder: gorm's SQLite migrator rebuilds tables in a transaction.
func (r *recorder) BeginTx(context.Context, *sql.TxOptions) (gorm.ConnPool, error) { return r, nil }

func (r *recorder) Commit() error   { return nil }
func (r *recorder) Rollback() error { return nil }

type result struct{}

func (result) LastInsertId() (int64, error) { return 0, nil }
func (result) RowsAffected() (int64, error) { return 0, nil }
