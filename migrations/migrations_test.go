package migrations_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
)

func TestMain(m *testing.M) { os.Exit(migratest.Main(m)) }

// dsns runs f with a database of each dialect that does not exist yet, or is empty, and with the driver to look into
// it.
func dsns(t *testing.T, f func(t *testing.T, dsn, driver string)) {
	t.Run("sqlite", func(t *testing.T) { f(t, migratest.SQLite(t), "sqlite") })
	t.Run("postgres", func(t *testing.T) { f(t, migratest.Postgres(t), "pgx") })
}

func reopen(t *testing.T, dsn string) {
	t.Helper()
	d, err := migrations.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestOpenTwice(t *testing.T) {
	dsns(t, func(t *testing.T, dsn, _ string) {
		reopen(t, dsn)
		reopen(t, dsn)
	})
}

func TestOpenRefusesNewerSchema(t *testing.T) {
	dsns(t, func(t *testing.T, dsn, driver string) {
		reopen(t, dsn)
		exec(t, driver, dsn, "INSERT INTO notifyd_schema (version_id, is_applied) VALUES (99999, true)")
		_, err := migrations.Open(t.Context(), dsn)
		if !errors.Is(err, migrations.ErrNewer) {
			t.Fatalf("Open = %v, want ErrNewer", err)
		}
	})
}

func TestOpenRefusesForeignSchema(t *testing.T) {
	dsns(t, func(t *testing.T, dsn, driver string) {
		exec(t, driver, dsn, "CREATE TABLE users (name text)")
		if _, err := migrations.Open(t.Context(), dsn); err == nil || !strings.Contains(err.Error(), "users") {
			t.Fatalf("Open = %v, want an error that names the table", err)
		}
		exec(t, driver, dsn, "INSERT INTO users (name) VALUES ('untouched')")
	})
}

func TestOpenRefusesWhatIsNoDatabase(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.db")
	if err := os.WriteFile(file, []byte(strings.Repeat("not a database\n", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dsn := range []string{file, "", ":memory:", filepath.Join(t.TempDir(), "no", "such", "folder.db")} {
		if _, err := migrations.Open(t.Context(), dsn); err == nil {
			t.Errorf("Open(%q) opens", dsn)
		}
	}
}

func TestOpenKeepsPasswordOutOfErrors(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, dsn := range []string{
		"postgres://u:hunter2@127.0.0.1:1/x", "postgres://u:hunter2@[::1/x", "postgres://u:hunter2@h/x?sslmode=odd",
	} {
		_, err := migrations.Open(ctx, dsn)
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("Open(%q) = %v", dsn, err)
		}
	}
}

func TestOpenPathWithQueryCharacters(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a?b#c%d.db")
	reopen(t, file)
	if _, err := os.Stat(file); err != nil {
		t.Fatal(err)
	}
}

func TestOpenMakesPrivateFiles(t *testing.T) {
	file := filepath.Join(t.TempDir(), "notifyd.db")
	d, err := migrations.Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for _, name := range []string{file, file + "-wal", file + "-shm"} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); mode != 0o600 {
			t.Errorf("%s has mode %o, want 600", filepath.Base(name), mode)
		}
	}
}

func TestOpenTogether(t *testing.T) {
	dsn := migratest.Postgres(t)
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			d, err := migrations.Open(t.Context(), dsn)
			if err != nil {
				t.Error(err)
				return
			}
			if err := d.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestReaderCannotWrite(t *testing.T) {
	d, err := migrations.Open(t.Context(), migratest.SQLite(t))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := d.Reader.Exec("UPDATE revisions SET value = 7").Error; err == nil {
		t.Error("the reader writes")
	}
}

func TestErrorsAreTranslated(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		tests := []struct {
			name, statement string
			want            error
		}{
			{"first", "INSERT INTO users (name, zone, created_at) VALUES ('alice', '', 0)", nil},
			{"unique", "INSERT INTO users (name, zone, created_at) VALUES ('alice', '', 0)", gorm.ErrDuplicatedKey},
			{"primary", "INSERT INTO revisions (id, value) VALUES (1, 1)", gorm.ErrDuplicatedKey},
			{"parent", "INSERT INTO filter_destinations (filter_id, destination_id) VALUES (8, 9)", gorm.ErrForeignKeyViolated},
		}
		for _, test := range tests {
			if err := d.Writer.Exec(test.statement).Error; !errors.Is(err, test.want) {
				t.Errorf("%s: %v, want %v", test.name, err, test.want)
			}
		}
	})
}

func exec(t *testing.T, driver, dsn, statement string) {
	t.Helper()
	pool, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if _, err := pool.Exec(statement); err != nil {
		t.Fatal(err)
	}
}
