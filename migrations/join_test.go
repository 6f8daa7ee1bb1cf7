package migrations_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/notifyd/notifyd/migrations"
)

func TestJoin(t *testing.T) {
	dsns(t, func(t *testing.T, dsn, driver string) {
		if _, err := migrations.Join(t.Context(), dsn); err == nil {
			t.Fatal("Join opens what is not there")
		} else if driver != "sqlite" && !errors.Is(err, migrations.ErrEmpty) {
			t.Errorf("Join of an empty database = %v", err)
		}
		daemon, err := migrations.Open(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		defer daemon.Close()
		d, err := migrations.Join(t.Context(), dsn)
		if err != nil {
			t.Fatalf("Join beside an open database = %v", err)
		}
		if err := d.Writer.Exec("UPDATE revisions SET value = value + 1").Error; err != nil {
			t.Errorf("write beside an open database: %v", err)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		exec(t, driver, dsn, "INSERT INTO notifyd_schema (version_id, is_applied) VALUES (99999, true)")
		if _, err := migrations.Join(t.Context(), dsn); !errors.Is(err, migrations.ErrNewer) {
			t.Errorf("Join of a newer schema = %v", err)
		}
		exec(t, driver, dsn, "DELETE FROM notifyd_schema WHERE version_id > 3")
		if _, err := migrations.Join(t.Context(), dsn); !errors.Is(err, migrations.ErrOlder) {
			t.Errorf("Join of an older schema = %v", err)
		}
	})
}

func TestJoinMakesNoFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "n.db")
	if _, err := migrations.Join(t.Context(), file); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Join = %v", err)
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("Join made the file")
	}
}

// TestLook opens a database that a daemon uses, or has left, and cannot change it.
func TestLook(t *testing.T) {
	dsns(t, func(t *testing.T, dsn, _ string) {
		if _, err := (migrations.Config{DSN: dsn}).Look(t.Context()); err == nil {
			t.Fatal("Look opens what is not there")
		}
		daemon, err := migrations.Open(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		look := func(when string) {
			t.Helper()
			d, err := migrations.Config{DSN: dsn}.Look(t.Context())
			if err != nil {
				t.Fatalf("%s: %v", when, err)
			}
			defer d.Close()
			var n int
			if err := d.Reader.Raw("SELECT count(*) FROM messages").Scan(&n).Error; err != nil || d.Writer != nil {
				t.Errorf("%s: error %v", when, err)
			}
			if err := d.Reader.Exec("UPDATE revisions SET value = value + 1").Error; err == nil {
				t.Errorf("%s: it was written to", when)
			}
		}
		look("beside a daemon")
		if err := daemon.Close(); err != nil {
			t.Fatal(err)
		}
		look("after it has ended")
	})
}
