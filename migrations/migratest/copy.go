package migratest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/notifyd/notifyd/migrations"
)

// Copy opens an SQLite database with the current schema and closes it with the test. It copies a file that this
// process has migrated once, and does not wait for the disk. A test would gain nothing from migrating again or
// waiting, and many tests need a database.
func Copy(t testing.TB) *migrations.DB {
	t.Helper()
	content, err := migrated()
	if err != nil {
		t.Fatalf("migrate a database to copy: %v", err)
	}
	path := SQLite(t)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	d := Open(t, path)
	if err := d.Writer.Exec("PRAGMA synchronous = OFF").Error; err != nil {
		t.Fatal(err)
	}
	return d
}

// migrated returns the content of a database file with the current schema and no rows.
var migrated = sync.OnceValues(func() (content []byte, err error) {
	folder, err := os.MkdirTemp("", "notifyd-sqlite-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	path := filepath.Join(folder, "notifyd.db")
	d, err := migrations.Open(context.Background(), path)
	if err != nil {
		return nil, err
	}
	if err := d.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})
