package migrations_test

import (
	"crypto/rand"
	"database/sql"
	"os"
	"testing"
	"time"

	"github.com/pressly/goose/v3"

	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/accounts"
)

// TestAccountsOfBefore: in a database of before names were proved, names stay and are claimed, each account signs in by
// its first confirmed address, and operators get the list.
func TestAccountsOfBefore(t *testing.T) {
	dsns(t, func(t *testing.T, dsn, driver string) {
		dialect, folder := goose.DialectSQLite3, "sqlite"
		if driver == "pgx" {
			dialect, folder = goose.DialectPostgres, "postgres"
		}
		pool, err := sql.Open(driver, dsn)
		if err != nil {
			t.Fatal(err)
		}
		p, err := goose.NewProvider(dialect, pool, os.DirFS(folder), goose.WithTableName("notifyd_schema"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.UpTo(t.Context(), 17); err != nil {
			t.Fatal(err)
		}
		for _, statement := range []string{
			"INSERT INTO users (name, zone, created_at) VALUES ('Bob', '', 1), ('bob', '', 2), ('carol', '', 3)",
			"INSERT INTO destinations (user_id, backend, address, confirmed, is_on, disabled, every, at_count, at_time, " +
				"weekdays, created_at) VALUES (1, 'email', 'BOB@example.org', true, true, '', 0, 0, '', 0, 1), " +
				"(2, 'email', 'bob@example.org', true, true, '', 0, 0, '', 0, 1), " +
				"(2, 'email', 'list@example.org', true, true, '', 0, 0, '', 0, 1)",
		} {
			if _, err := pool.Exec(statement); err != nil {
				t.Fatal(err)
			}
		}
		if err := pool.Close(); err != nil {
			t.Fatal(err)
		}
		d, err := migrations.Open(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		store := prefs.Open(prefs.Config{Writer: d.Writer, Reader: d.Reader, Now: time.Now, Random: rand.Reader})
		for range 2 { // each start does so
			if err := store.Accounts.Adopt(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		list, err := store.Accounts.Claimed(t.Context())
		if err != nil || len(list) != 3 || list[0].Me(false) != "" || list[0].Me(true) == "" {
			t.Errorf("claimed names: %+v, %v", list, err)
		}
		for address, id := range map[string]uint{"BOB@example.org": 1, "bob@example.org": 2} {
			if u, _, err := store.Accounts.ByWayIn(t.Context(), "email", address); err != nil || u.ID != id {
				t.Errorf("%s leads to account %d, %v; want %d", address, u.ID, err, id)
			}
		}
		if _, _, err := store.Accounts.ByWayIn(t.Context(), "email", "list@example.org"); err == nil {
			t.Error("a second address lets in")
		}
		in, err := store.Accounts.SignInAs(t.Context(), accounts.Identity{Issuer: "https://id", Subject: "1", Name: "carol"})
		if err != nil || in.User.Name != "carol" || in.User.Proof != accounts.OfProvider {
			t.Errorf("whoever proves a claimed name: %+v, %v", in, err)
		}
		if u, err := store.Accounts.User(t.Context(), 3); err != nil || u.Name != "" {
			t.Errorf("whoever had only claimed it: %+v, %v", u, err)
		}
	})
}
