package migrations_test

import (
	"database/sql"
	"os"
	"testing"

	"github.com/pressly/goose/v3"

	"github.com/notifyd/notifyd/migrations"
)

// TestDownAndUpAgain takes every step down and up again.
func TestDownAndUpAgain(t *testing.T) {
	dsns(t, func(t *testing.T, dsn, driver string) {
		reopen(t, dsn)
		exec(t, driver, dsn, "INSERT INTO users (name, zone, created_at) VALUES ('alice', '', 0)")
		dialect, folder := goose.DialectSQLite3, "sqlite"
		if driver == "pgx" {
			dialect, folder = goose.DialectPostgres, "postgres"
		}
		pool, err := sql.Open(driver, dsn)
		if err != nil {
			t.Fatal(err)
		}
		defer pool.Close()
		p, err := goose.NewProvider(dialect, pool, os.DirFS(folder), goose.WithTableName("notifyd_schema"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.DownTo(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		d, err := migrations.Open(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		var users int64
		if err := d.Reader.Table("users").Count(&users).Error; err != nil || users != 0 {
			t.Errorf("%d users, %v", users, err)
		}
	})
}
