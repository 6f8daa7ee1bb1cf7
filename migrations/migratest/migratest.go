// Package migratest provides tests with a fresh database of each dialect.
//
// A package that uses it runs its tests through Main:
//
//	func TestMain(m *testing.M) { os.Exit(migratest.Main(m)) }
package migratest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/notifyd/notifyd/migrations"
)

// Main runs the tests of a package and stops the PostgreSQL cluster that they started.
func Main(m *testing.M) int {
	shared.mu.Lock()
	shared.main = true
	shared.mu.Unlock()
	defer shared.stop()
	return m.Run()
}

// Each runs f as two subtests, on databases of their own with the current schema: an SQLite file (see Copy), and one of
// the test process's own PostgreSQL. Without a postgres program the second is skipped, and fails when NOTIFYD_REQUIRE
// is 1.
func Each(t *testing.T, f func(t *testing.T, d *migrations.DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { f(t, Copy(t)) })
	t.Run("postgres", func(t *testing.T) { f(t, Open(t, Postgres(t))) })
}

// SQLite returns the path of an SQLite file that does not exist yet, and is removed after the test.
func SQLite(t testing.TB) string {
	return filepath.Join(t.TempDir(), "notifyd.db")
}

// Postgres returns the URL of a fresh, empty database in the PostgreSQL of the test process; see Each for what it
// requires.
func Postgres(t testing.TB) string {
	t.Helper()
	if binaries() == "" {
		if os.Getenv("NOTIFYD_REQUIRE") == "1" {
			t.Fatal("needs postgres")
		}
		t.Skip("needs postgres")
	}
	url, err := shared.database()
	if err != nil {
		t.Fatalf("start postgres: %v", err)
	}
	return url
}

// Open opens the database of a dsn and closes it with the test.
func Open(t testing.TB, dsn string) *migrations.DB {
	t.Helper()
	d, err := migrations.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}
