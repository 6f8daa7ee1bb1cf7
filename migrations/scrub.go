package migrations

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"gorm.io/gorm"
)

// ErrHeld is the error of Scrub where somebody reads what was there before. Try again later.
var ErrHeld = errors.New("somebody still reads the database as it was before")

// scrubWait is how long Scrub waits on SQLite for those who read. Writers wait for it meanwhile.
const scrubWait = 1000 // milliseconds

// indexOfNames has the ids of messages, and those of mail about accounts.
const indexOfNames = "idx_contents_message"

// Scrub lets go of the old versions of what was deleted from some tables, after the transaction that deleted it.
//
// On SQLite deleted rows are overwritten in the file when they are deleted (secure_delete), but the write-ahead log
// still has the pages as they were: Scrub copies it into the file and cuts it to nothing (SQLite, "PRAGMA
// wal_checkpoint", TRUNCATE). Then no byte of the rows is in the database file or its log. On PostgreSQL Scrub frees
// the space of old versions (VACUUM), which later rows overwrite; the archive of its log is not ours to change.
//
// A b-tree that is rebalanced copies its entries to other pages, and secure_delete does not clear where they were. An
// index of texts by which people may be named is written anew, so that nothing stays there.
func (d *DB) Scrub(ctx context.Context, tables ...string) error {
	if d.Postgres {
		for i, name := range tables {
			tables[i] = quoted(name)
		}
		err := d.Writer.WithContext(ctx).Exec("VACUUM (SKIP_LOCKED) " + strings.Join(tables, ", ")).Error
		if err != nil {
			return fmt.Errorf("scrub database: %w", err)
		}
		return nil
	}
	var done struct{ Busy, Log, Checkpointed int }
	err := d.Writer.WithContext(ctx).Connection(func(conn *gorm.DB) error {
		if err := conn.Exec(fmt.Sprintf("PRAGMA busy_timeout = %d", scrubWait)).Error; err != nil {
			return err
		}
		if err := conn.Exec("REINDEX " + indexOfNames).Error; err != nil {
			return err
		}
		err := conn.Raw("PRAGMA wal_checkpoint(TRUNCATE)").Row().Scan(&done.Busy, &done.Log, &done.Checkpointed)
		return errors.Join(err, conn.Exec(fmt.Sprintf("PRAGMA busy_timeout = %d", busyTimeout.Milliseconds())).Error)
	})
	if isBusy(err) || err == nil && done.Busy != 0 {
		return fmt.Errorf("scrub database: %w", ErrHeld)
	}
	if err != nil {
		return fmt.Errorf("scrub database: %w", err)
	}
	return nil
}
