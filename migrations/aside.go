package migrations

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"

	"gorm.io/gorm"
)

// aside.go takes the indexes of an SQLite file away while very many rows are stored, and makes them again. An index
// that is made of sorted rows costs a third of one that grows row by row, and less once that is larger than the cache.
// The statements that make them stand in a table meanwhile, so that a process that is killed leaves nothing that the
// next one cannot put right.

// ErrAside is the error for a database whose indexes are set aside.
var ErrAside = errors.New("an archive is being loaded into the database, or that was interrupted; " +
	"wait, run the import again, or start the daemon, which puts it right")

// aside is the table of the indexes that are set aside. It is there only meanwhile.
const aside = "notifyd_aside"

// SetAside drops the indexes of some tables, but those that are part of the tables themselves. On SQLite only, and only
// while nobody else uses the database: ids are not unique without them. Restore makes them again.
func (d *DB) SetAside(ctx context.Context, tables ...string) error {
	if d.Postgres {
		return errors.New("indexes are set aside on SQLite only")
	}
	err := d.Writer.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		err := tx.Exec("CREATE TABLE IF NOT EXISTS " + aside + " (name text PRIMARY KEY, statement text NOT NULL)").Error
		if err != nil {
			return err
		}
		var names []string
		err = tx.Raw("INSERT INTO "+aside+" SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"+
			" AND tbl_name IN ? RETURNING name", tables).Scan(&names).Error
		if err != nil {
			return err
		}
		for _, name := range names {
			if err := tx.Exec("DROP INDEX " + quoted(name)).Error; err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("set indexes aside: %w", err)
	}
	return nil
}

func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// IsAside reports whether indexes are set aside.
func (d *DB) IsAside(ctx context.Context) (bool, error) {
	if d.Postgres {
		return false, nil
	}
	n := 0
	err := d.Reader.WithContext(ctx).Raw("SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?", aside).
		Scan(&n).Error
	return n > 0, err
}

// sortingPragmas are for the making of indexes. What is sorted for one grows with the table: not in memory. Threads
// sort what one has read. Each index reads the whole table: as much of the file as SQLite maps (2 GiB) is read in place
// instead of page by page into the cache.
const (
	sortingPragmas = "PRAGMA temp_store = 1; PRAGMA threads = %d; PRAGMA mmap_size = 1099511627776"
	usualPragmas   = "PRAGMA mmap_size = 0; PRAGMA threads = 0; PRAGMA temp_store = 2"
)

// Restore makes the indexes again that are set aside, and calls begin before each. Each is a transaction of its own, so
// that a kill costs no more than one.
func (d *DB) Restore(ctx context.Context, begin func(index string)) error {
	some, err := d.IsAside(ctx)
	if err != nil || !some {
		return err
	}
	var indexes []struct{ Name, Statement string }
	err = d.Writer.WithContext(ctx).Raw("SELECT name, statement FROM " + aside + " ORDER BY rowid").Scan(&indexes).Error
	if err != nil {
		return fmt.Errorf("read the indexes that are set aside: %w", err)
	}
	pragmas := fmt.Sprintf(sortingPragmas, runtime.GOMAXPROCS(0))
	if err := d.Writer.WithContext(ctx).Exec(pragmas).Error; err != nil {
		return fmt.Errorf("make indexes again: %w", err)
	}
	defer d.Writer.Exec(usualPragmas)
	for _, one := range indexes {
		if begin != nil {
			begin(one.Name)
		}
		err := d.Writer.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
			if err := tx.Exec(one.Statement).Error; err != nil {
				return err
			}
			return tx.Exec("DELETE FROM "+aside+" WHERE name = ?", one.Name).Error
		})
		if err != nil {
			return fmt.Errorf("make the index %s again: %w", one.Name, err)
		}
	}
	if err := d.Writer.WithContext(ctx).Exec("DROP TABLE " + aside).Error; err != nil {
		return fmt.Errorf("forget what was set aside: %w", err)
	}
	return nil
}

// putRight makes the indexes again that an import has left aside when it was killed.
func putRight(ctx context.Context, d *DB, c Config) error {
	some, err := d.IsAside(ctx)
	if err != nil || !some || c.Bare {
		return err
	}
	c.log().Warn("an import was killed: making the indexes of the history again")
	return d.Restore(ctx, func(index string) { c.log().Info("making an index", "name", index) })
}
