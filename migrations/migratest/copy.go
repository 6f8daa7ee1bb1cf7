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

// Copy opens an SQLite database with the current schema and closes it with the test. It is a copy of one that this
// process has migrated once, and it does not wait for the disk: a test proves nothing by either, and has both many
// times.
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
