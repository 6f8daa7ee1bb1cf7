package migrations_test

import (
	"database/sql"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/pressly/goose/v3"
)

// TestStepsKeepData puts a row into each table as soon as it is there, and goes on step by step, up to the last one and
// down again: each step works on tables with data, and no step loses a row.
func TestStepsKeepData(t *testing.T) {
	dsns(t, func(t *testing.T, dsn, driver string) {
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
		filled := map[string]bool{}
		// what holds what lives for minutes ends with a step, and begins empty where the step is taken back
		short := map[string]bool{"sign_ins": true, "confirmations": true, "undo_links": true} // the last had no row ever
		// what the way down of a step refuses to lose is given up first
		given := map[int]string{35: "DELETE FROM filter_schedules"}
		for step := range p.ListSources() {
			if _, err := p.UpTo(t.Context(), int64(step+1)); err != nil {
				t.Fatalf("step %d: %v", step+1, err)
			}
			columns := columnsOf(t, pool, driver)
			for table := range columns {
				if n := rowsOf(t, pool, table); filled[table] && n != 1 {
					t.Errorf("step %d: %d rows of %s", step+1, n, table)
				}
			}
			for range columns { // a row may need one of another table first
				for table, names := range columns {
					if filled[table] || rowsOf(t, pool, table) == 1 {
						filled[table] = true
						continue
					}
					_, err := pool.Exec("INSERT INTO " + table + " (" + strings.Join(names, ", ") + ") VALUES (" +
						strings.TrimSuffix(strings.Repeat("'1', ", len(names)), ", ") + ")")
					filled[table] = err == nil
				}
			}
			for table := range columns {
				if !filled[table] {
					t.Errorf("step %d: %s takes no row", step+1, table)
				}
			}
		}
		if len(filled) < 20 {
			t.Errorf("%d tables", len(filled))
		}
		for step := len(p.ListSources()); step > 0; step-- {
			if statement := given[step]; statement != "" {
				if _, err := pool.Exec(statement); err != nil {
					t.Fatalf("before the way down from step %d: %v", step, err)
				}
			}
			if _, err := p.DownTo(t.Context(), int64(step-1)); err != nil {
				t.Fatalf("down from step %d: %v", step, err)
			}
			for table := range columnsOf(t, pool, driver) {
				if n := rowsOf(t, pool, table); n != 1 && !short[table] {
					t.Errorf("down from step %d: %d rows of %s", step, n, table)
				}
			}
		}
	})
}

// columnsOf gives the columns of our tables.
func columnsOf(t *testing.T, pool *sql.DB, driver string) map[string][]string {
	t.Helper()
	query := `SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c
		WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' AND m.name <> 'notifyd_schema'`
	if driver == "pgx" {
		query = `SELECT table_name, column_name FROM information_schema.columns
			WHERE table_schema = current_schema() AND table_name <> 'notifyd_schema'
			AND table_name NOT IN (SELECT relname FROM pg_class WHERE relispartition)`
	}
	rows, err := pool.Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	all := map[string][]string{}
	for rows.Next() {
		var table, column string
		if err := rows.Scan(&table, &column); err != nil {
			t.Fatal(err)
		}
		all[table] = append(all[table], column)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

func rowsOf(t *testing.T, pool *sql.DB, table string) (n int) {
	t.Helper()
	if err := pool.QueryRow(fmt.Sprintf("SELECT count(*) FROM %s", table)).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
